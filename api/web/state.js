// What the page shows, held by the address bar alone: a link, a reload and the back button bring the same view again.

const TEXTS = ["q", "pick", "title", "from", "person", "view", "user", "catalog", "region", "on", "all", "strategy", "left", "right"];
const NUMBERS = { // least, most, default
  hits: [1, 20, 1], substitutes: [0, 20, 5], diversity: [0, 1, 0],
  cast: [0, 4, 1], director: [0, 4, 1], genre: [0, 4, 1], era: [0, 4, 1], popularity: [0, 4, 1], days: [0, 3650, 0], budget: [0, 50, 0], top: [1, 100, 10],
};
const COMPARED = ["left", "right", "top"]; // of one view alone
const TUNED = ["diversity", "cast", "director", "genre", "era", "popularity"];

let listener = () => {};

/** The state as the address says it; what is missing or makes no sense is the default. */
export function read(search = location.search) {
  const query = new URLSearchParams(search);
  const state = Object.fromEntries(TEXTS.map((name) => [name, query.get(name) ?? ""]));
  for (const [name, [least, most, usual]] of Object.entries(NUMBERS)) {
    const given = TUNED.includes(name) ? Number.parseFloat(query.get(name) ?? "") : Number.parseInt(query.get(name) ?? "", 10);
    state[name] = Number.isNaN(given) ? usual : Math.min(Math.max(given, least), most);
  }
  if (!/^\d{4}-\d\d-\d\d$/.test(state.on)) state.on = "";
  if (!/^[A-Za-z]{2,3}$/.test(state.region)) state.region = "";
  return state;
}

/** Diversity and the weights of facets, where they are not as usual, and the strategy where one is chosen. */
export const tuningOf = (state) => ({
  ...Object.fromEntries(TUNED.filter((name) => state[name] !== NUMBERS[name][2]).map((name) => [name, state[name]])),
  ...(state.strategy ? { strategy: state.strategy } : {}),
});

/** The address of a state, relative, without what is the default. */
export function hrefOf(state) {
  const query = new URLSearchParams(), told = (name) => state.view === "compare" || !COMPARED.includes(name);
  for (const name of TEXTS) if (state[name] && told(name)) query.set(name, state[name]);
  for (const [name, [, , usual]] of Object.entries(NUMBERS)) if (state[name] !== usual && told(name)) query.set(name, state[name]);
  return `?${query}`;
}

/** The address of another view under the same scope, viewer and numbers: nothing of what is shown now stays. */
export function hrefTo(state, changes) {
  return hrefOf({ ...state, q: "", pick: "", title: "", from: "", person: "", view: "", all: "", days: 0, budget: 0, ...changes });
}

/** Calls `listener(state, how)` at each change; how: "push", "replace" or "pop". */
export function onChange(found) {
  listener = found;
  history.scrollRestoration = "manual";
  addEventListener("popstate", () => listener(read(), "pop"));
}

/** Shows the same state again, of which more is known now. */
export const refresh = () => listener(read(), "replace");

/** Goes to an address as a link would (push), or rewrites the one that is there (replace). */
export function goTo(href, { push = true } = {}) {
  if (push) {
    history.replaceState({ ...history.state, top: scrollY }, "");
    history.pushState({}, "", href);
  } else {
    history.replaceState(history.state, "", href);
  }
  listener(read(), push ? "push" : "replace");
}
