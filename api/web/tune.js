// Tuning: how unlike each other the titles shown are, and how much each facet of a title counts.

import { byId, h, replace } from "./dom.js";
import { goTo, hrefOf, read } from "./state.js";

const SLIDERS = [
  // name in the state, label, most, step, usual, how its value is said
  ["cast", "Cast", 4, 0.5, 1, (value) => `× ${value}`],
  ["director", "Makers", 4, 0.5, 1, (value) => `× ${value}`],
  ["genre", "Genre", 4, 0.5, 1, (value) => `× ${value}`],
  ["era", "Era", 4, 0.5, 1, (value) => `× ${value}`],
  ["popularity", "Popularity", 4, 0.5, 1, (value) => `× ${value}`],
  ["diversity", "Diversity", 1, 0.1, 0, (value) => `${Math.round(value * 100)}%`],
];
const TYPING_MS = 140;
let wasForViewer = false;

/** Puts the panel in its place, shut unless the state has something in it. */
export function startTune() {
  const panel = byId("tune"), button = byId("tune-button");
  replace(panel, SLIDERS.map(([name, label, most, step, , said]) => h("div", { class: "field slider" },
    h("label", { class: "label", for: `tune-${name}` }, label),
    h("span", { class: "slide" },
      h("input", { id: `tune-${name}`, type: "range", min: 0, max: most, step, oninput: (event) => slid(name, event.target, said) }),
      h("output", { for: `tune-${name}` })))),
  h("button", { class: "plain", type: "button", onclick: () => change(Object.fromEntries(SLIDERS.map(([name, , , , usual]) => [name, usual]))) }, "As usual"));
  button.addEventListener("click", () => open(panel.hidden));
  open(isTuned(read()));
}

function open(shown) {
  byId("tune").hidden = !shown;
  byId("tune-button").setAttribute("aria-expanded", String(shown));
}

const isTuned = (state) => SLIDERS.some(([name, , , , usual]) => state[name] !== usual);
const change = (changes) => goTo(hrefOf({ ...read(), ...changes }), { push: false });

let later = 0;
function slid(name, input, said) {
  input.parentElement.querySelector("output").value = said(Number(input.value));
  clearTimeout(later);
  later = setTimeout(() => change({ [name]: Number(input.value) }), TYPING_MS);
}

/** Shows what the state says. A viewer's recommendations come with the panel open. */
export function syncTune(state) {
  const forViewer = state.view === "viewer" && Boolean(state.user);
  if (forViewer && !wasForViewer) open(true);
  wasForViewer = forViewer;
  for (const [name, , , , , said] of SLIDERS) {
    const input = byId(`tune-${name}`);
    input.value = state[name];
    input.setAttribute("aria-valuetext", said(state[name]));
    input.parentElement.querySelector("output").value = said(state[name]);
  }
  byId("tune-button").classList.toggle("tuned", isTuned(state));
}
