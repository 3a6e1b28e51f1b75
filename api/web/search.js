// The search box with its list of matches (a combobox), and the options beside it: they write the state, nothing else.

import { get, scopeOf } from "./api.js";
import { byId, h, replace } from "./dom.js";
import { goTo, hrefOf, read } from "./state.js";
import { startTune, syncTune } from "./tune.js";
import { kindOf, many } from "./words.js";

const TYPING_MS = 140, MATCHES = 8;
const SLIDERS = ["hits", "substitutes", "budget"];
const box = byId("q"), list = byId("matches");
let matches = [], active = -1, asked = "", waiting = 0, running = null;

/** Listens to everything in the form. */
export function startSearch() {
  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(typed, TYPING_MS);
  });
  box.addEventListener("keydown", pressed);
  byId("asking").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    typed();
    if (matchMedia("(hover: none)").matches) box.blur(); // the keyboard on the screen makes room
  });
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(Number(option.dataset.place));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
  startOptions();
  startTune();
}

/** What was typed becomes the state: a new entry in the history only where another view was open. */
function typed() {
  const state = read();
  const other = Boolean(state.title || state.person || state.view);
  if (box.value.trim() === state.q && !other) return;
  const href = hrefOf({ ...state, q: box.value.trim(), pick: "", title: "", from: "", person: "", view: "", all: "" });
  goTo(href, { push: other || !state.q });
}

function pressed(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && matches.length) {
    event.preventDefault();
    activate(active < 0 ? (step > 0 ? 0 : matches.length - 1) : active + step);
  } else if (event.key === "Enter" && active >= 0) {
    event.preventDefault();
    take(active);
  } else if (event.key === "Escape") {
    event.preventDefault();
    if (active >= 0) activate(-1);
    else if (matches.length) showMatches([], "");
    else {
      box.value = "";
      typed();
    }
  }
}

function activate(place) {
  active = place >= matches.length || place < -1 ? -1 : place;
  [...list.children].forEach((option, at) => {
    option.classList.toggle("active", at === active);
    if (at === active) option.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  if (active < 0) box.removeAttribute("aria-activedescendant");
  else box.setAttribute("aria-activedescendant", `match-${active}`);
}

/** A match is taken: the answer is then about that one, whatever else has its name. */
function take(place) {
  clearTimeout(waiting);
  goTo(pickHref(read(), matches[place]));
}

/** The address of the answer about one hit, whatever else has its name; what was typed stays. */
export const pickHref = (state, hit) =>
  hrefOf({ ...state, q: state.q || hit.title, pick: hit.id, title: "", from: "", person: "", view: "", all: "" });

/** Shows what the state says in the box and the options, and the matches of what is typed. */
export function syncSearch(state, inSearch) {
  const typing = document.activeElement === box && box.value.trim() === state.q;
  if (!typing) box.value = state.q;
  document.body.classList.toggle("in-search", inSearch);
  document.body.classList.toggle("tunable", inSearch || (state.view === "viewer" && Boolean(state.user)));
  syncOptions(state);
  byId("asking").classList.toggle("has-matches", inSearch && Boolean(state.q));
  if (!state.q || !inSearch) {
    running?.abort();
    showMatches([], "");
  } else if (`${state.q}|${state.catalog}|${state.region}|${state.on}` !== asked) {
    findMatches(state);
  } else {
    markTaken(state);
  }
}

async function findMatches(state) {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  try {
    const answer = await get("search", { q: state.q, hits: MATCHES, substitutes: 0, count: false, ...scopeOf(state) }, signal);
    if (!signal.aborted) {
      showMatches(answer.hits, `${state.q}|${state.catalog}|${state.region}|${state.on}`);
      markTaken(state);
    }
  } catch (error) {
    if (error.name !== "AbortError") showMatches([], ""); // the answer below says what is wrong
  }
}

function showMatches(hits, text) {
  asked = text;
  matches = hits;
  replace(list, hits.map((hit, at) => h("li", { id: `match-${at}`, role: "option", "aria-selected": "false", "data-place": at },
    h("span", { class: "match-title" }, hit.title),
    h("span", { class: "match-facts" }, hit.start_year ?? kindOf(hit.kind)),
    h("span", { class: hit.available ? "dot there" : "dot", "aria-hidden": "true" }),
    h("span", { class: "unseen" }, hit.available ? ", available" : ", not available"))));
  box.setAttribute("aria-expanded", String(hits.length > 0));
  activate(-1);
}

function markTaken(state) {
  matches.forEach((hit, at) => list.children[at].setAttribute("aria-selected", String(Boolean(state.pick) && hit.id === state.pick)));
}

function startOptions() {
  const change = (changes) => goTo(hrefOf({ ...read(), ...changes }), { push: false });
  byId("catalog").addEventListener("change", (event) => change({ catalog: event.target.value }));
  byId("on").addEventListener("change", (event) => change({ on: event.target.value }));
  byId("region").addEventListener("change", (event) => {
    if (event.target.checkValidity()) change({ region: event.target.value.trim().toUpperCase() });
    else event.target.reportValidity();
  });
  byId("days").addEventListener("change", (event) => change({ days: Number(event.target.value) }));
  for (const name of SLIDERS) {
    let later = 0;
    byId(name).addEventListener("input", (event) => {
      event.target.nextElementSibling.value = event.target.value;
      clearTimeout(later);
      later = setTimeout(() => change({ [name]: Number(event.target.value) }), TYPING_MS);
    });
  }
  const button = byId("options-button");
  button.addEventListener("click", () => {
    const open = byId("asking").classList.toggle("options-open");
    button.setAttribute("aria-expanded", String(open));
  });
}

function syncOptions(state) {
  const inSearch = document.body.classList.contains("in-search");
  byId("catalog").value = state.catalog;
  byId("region").value = state.region;
  byId("on").value = state.on;
  byId("days").value = state.days;
  for (const name of SLIDERS) {
    byId(name).value = state[name];
    byId(name).nextElementSibling.value = state[name];
  }
  syncTune(state);
  const chosen = byId("catalog").selectedOptions[0]?.textContent ?? state.catalog;
  byId("options-button").textContent = ["Options", chosen, state.region, state.on, inSearch ? many(state.substitutes, "substitute") : ""].filter(Boolean).join(" · ");
}

/** Puts the catalogs into their list. One that the address names and the service has not stays visible. */
export async function listCatalogs() {
  const { catalogs } = await get("catalogs");
  const select = byId("catalog"), { catalog } = read();
  replace(select, h("option", { value: "" }, "All catalogs"), catalogs.map((one) => h("option", { value: one.id }, one.name ?? one.id)));
  if (catalog && !catalogs.some((one) => one.id === catalog)) select.append(h("option", { value: catalog }, `${catalog} (not here)`));
  syncOptions(read());
}
