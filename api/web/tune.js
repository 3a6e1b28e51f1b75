// Tuning: by which strategy titles are found, how unlike each other they are, and how much each facet of a title counts.

import { get } from "./api.js";
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
const USUAL = Object.fromEntries(SLIDERS.map(([name, , , , usual]) => [name, usual]));
const WORDS = "By the catalog's own strategy, or the usual one.";
let wasForViewer = false, strategies = null;

/** Puts the panel in its place, shut unless the state has something in it. */
export function startTune() {
  const panel = byId("tune"), button = byId("tune-button");
  replace(panel, h("div", { class: "field strategy" },
    h("label", { class: "label", for: "strategy" }, "Strategy"),
    h("select", { id: "strategy", "aria-describedby": "strategy-about", onchange: (event) => choose(event.target.value) }, h("option", { value: "" }, "As usual"))),
  SLIDERS.map(([name, label, most, step, , said]) => h("div", { class: "field slider" },
    h("label", { class: "label", for: `tune-${name}` }, label),
    h("span", { class: "slide" },
      h("input", { id: `tune-${name}`, type: "range", min: 0, max: most, step, oninput: (event) => slid(name, event.target, said) }),
      h("output", { for: `tune-${name}` })))),
  h("button", { class: "plain", type: "button", onclick: () => change({ ...USUAL, strategy: "" }) }, "As usual"),
  h("p", { class: "soft small strategy-about", id: "strategy-about" }, WORDS));
  button.addEventListener("click", () => open(panel.hidden));
  open(isTuned(read()));
}

function open(shown) {
  byId("tune").hidden = !shown;
  byId("tune-button").setAttribute("aria-expanded", String(shown));
  if (shown && !strategies) listStrategies();
}

/** What there is to choose from; what this graph cannot answer by is there to be seen, and why. */
async function listStrategies() {
  strategies = new Map();
  try {
    for (const one of (await get("strategies")).strategies) strategies.set(one.name, one);
  } catch {
    strategies = null; // whatever is wrong, the view says it
    return;
  }
  const { strategy } = read();
  const options = [...strategies.values()].map((one) => h("option", { value: one.name, disabled: !one.available, title: one.missing ?? one.about }, one.name));
  if (strategy && !strategies.has(strategy)) options.push(h("option", { value: strategy }, `${strategy} (not here)`));
  replace(byId("strategy"), h("option", { value: "" }, "As usual"), options);
  syncTune(read());
}

/** A strategy that follows no preferences is asked without any. */
function choose(name) {
  change({ ...(follows(name) ? {} : USUAL), strategy: name });
}

const follows = (name) => strategies?.get(name)?.follows_preferences ?? true;
const isTuned = (state) => Boolean(state.strategy) || SLIDERS.some(([name, , , , usual]) => state[name] !== usual);
const change = (changes) => goTo(hrefOf({ ...read(), ...changes }), { push: false });

let later = 0, sliding = ""; // the slider that is being moved: what arrives meanwhile leaves it where it is
function slid(name, input, said) {
  input.parentElement.querySelector("output").value = said(Number(input.value));
  clearTimeout(later);
  sliding = name;
  later = setTimeout(() => {
    sliding = "";
    change({ [name]: Number(input.value) });
  }, TYPING_MS);
}

/** Shows what the state says. A viewer's recommendations come with the panel open. */
export function syncTune(state) {
  const forViewer = state.view === "viewer" && Boolean(state.user);
  if (forViewer && !wasForViewer) open(true);
  wasForViewer = forViewer;
  const select = byId("strategy");
  if (state.strategy && ![...select.options].some((one) => one.value === state.strategy)) select.append(h("option", { value: state.strategy }, state.strategy));
  select.value = state.strategy;
  const chosen = strategies?.get(state.strategy);
  byId("strategy-about").textContent = chosen ? `${chosen.about[0].toUpperCase()}${chosen.about.slice(1)}.${chosen.follows_preferences ? "" : " The sliders do not change it."}` : WORDS;
  for (const [name, , , , , said] of SLIDERS) {
    if (name === sliding) continue;
    const input = byId(`tune-${name}`);
    input.disabled = !follows(state.strategy) && state[name] === USUAL[name];
    input.value = state[name];
    input.setAttribute("aria-valuetext", said(state[name]));
    input.parentElement.querySelector("output").value = said(state[name]);
  }
  byId("tune-button").classList.toggle("tuned", isTuned(state));
}
