// A viewer's page: what is recommended to them and why, what is new and what is popular, and what they said.

import { cardsOf, get, scopeOf } from "./api.js";
import { because, card, cardList, chips, joined } from "./cards.js";
import { h } from "./dom.js";
import { forget, marks, saidBy, viewerOf } from "./marks.js";
import { hrefTo, tuningOf } from "./state.js";
import { choosing, nobody } from "./viewers.js";
import { compact, dayOf, many, saidOf } from "./words.js";

const RECOMMENDED = 12, ROW = 12, BECAUSE = 2, LISTED = 60, SAID = 24;

export async function viewerView(state, signal) {
  if (!state.user) return choosing(state, signal);
  if (!await viewerOf(state.user, signal)) return nobody(state);
  const [said, shelves] = await Promise.all([saidBy(state.user, signal), get("shelves", { limit: LISTED, ...scopeOf(state) }, signal)]);
  const liked = [...said.values()].filter((one) => one.says === "liked");
  const recommended = liked.length ? await recommendedTo(state, signal) : [];
  const because = await Promise.all(liked.slice(0, BECAUSE).map((one) => similarTo(one, said, state, signal)));
  const first = new Set();
  for (const row of because) row.titles = row.titles.filter((one) => !first.has(one.id) && first.add(one.id)).slice(0, ROW);
  const cards = await cardsOf([...recommended, ...because.flatMap((row) => row.titles)].map((one) => one.id), signal);
  const known = liked.length ? null : await get("best-known", { limit: ROW, ...scopeOf(state) }, signal);
  const unsaid = (titles) => titles.filter((one) => !said.has(one.id)).slice(0, ROW);
  const content = h("article", { class: "viewer" },
    head(liked, said, state),
    liked.length ? recommendedSection(recommended, said, cards, state) : start(known, said, state),
    because.map((row, at) => becauseSection(row, at, cards, state)),
    section("new", state.catalog ? "New in your catalog" : "New in your catalogs", unsaid(shelves.new), state,
      (one) => `since ${dayOf(one.since)}`, "Nothing here says since when it is offered."),
    section("popular", "Popular now", unsaid(shelves.popular), state,
      (one) => (one.viewers ? `liked by ${many(one.viewers, "viewer")} lately` : one.num_votes ? `${compact(one.num_votes)} votes at IMDb` : ""),
      "Nothing more is offered there on that day."),
    saidSection(said, state));
  return { title: state.user, said: `${state.user}: ${many(recommended.length, "title")} recommended.`, content };
}

/** What is recommended to the viewer of a state; nothing that they said anything about. */
async function recommendedTo(state, signal) {
  const { items } = await get(`users/${encodeURIComponent(state.user)}/recommendations`, { limit: RECOMMENDED, ...scopeOf(state), ...tuningOf(state) }, signal);
  return items;
}

/** The titles most like one, without those that something was said of. One for which there are none leaves its row out. */
async function similarTo(title, said, state, signal) {
  try {
    const { similar } = await get(`titles/${encodeURIComponent(title.id)}/similar`, { limit: BECAUSE * ROW + Math.min(said.size, 60), ...scopeOf(state), ...tuningOf(state) }, signal);
    return { title, titles: similar.filter((one) => !said.has(one.id) && one.evidence.length) };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return { title, titles: [] };
  }
}

function head(liked, said, state) {
  const not = [...said.values()].filter((one) => one.says === "disliked").length;
  const told = [many(liked.length, "title") + " liked or watched", not ? `${not} not for ${state.user}` : ""].filter(Boolean);
  return h("header", { class: "viewer-head" },
    h("div", {}, h("h1", { tabindex: "-1" }, `For ${state.user}`),
      h("p", { class: "facts large" }, said.size ? told.map((one) => h("span", {}, one)) : h("span", {}, "nothing said yet"))),
    h("p", { class: "actions" },
      h("a", { class: "plain", href: hrefTo(state, { view: "compare" }) }, "Compare strategies"),
      h("a", { class: "plain", href: hrefTo(state, { view: "viewer", user: "" }) }, "Somebody else")));
}

function recommendedSection(recommended, said, cards, state) {
  return h("section", { class: "row", "aria-labelledby": "recommended" }, h("h2", { id: "recommended" }, "Recommended"),
    recommended.length
      ? cardList("Recommended", recommended.map((one) => marked(joined(cards, one), state, why(one.evidence, said))))
      : h("p", {}, "Nothing more is offered there on that day."));
}

/** The reasons of a recommendation: the title that it follows from, then what the two share. */
function why(evidence, said) {
  const { reasons, carrier } = because(evidence, said);
  return chips(reasons, carrier?.title);
}

function start(known, said, state) {
  const titles = [...known.offered, ...known.missing].filter((one) => !said.has(one.id)).sort((a, b) => (b.num_votes ?? 0) - (a.num_votes ?? 0)).slice(0, 2 * ROW);
  return h("section", { class: "row", "aria-labelledby": "begin" },
    h("div", {}, h("h2", { id: "begin" }, "Which of these did you watch?"),
      h("p", { class: "soft" }, "Nothing is recommended yet, for nothing is known that you like. One title is enough; others can be found by the search above.")),
    titles.length ? cardList("To begin with", titles.map((one) => marked(one, state)), "strip") : h("p", {}, "The graph holds no titles that are well known."));
}

function becauseSection({ title, titles }, at, cards, state) {
  if (!titles.length) return null;
  const label = `Because you ${title.types.has("watch") ? "watched" : "like"} ${title.title}`;
  return h("section", { class: "row", "aria-labelledby": `because-${at}` },
    h("h2", { id: `because-${at}` }, label.slice(0, -title.title.length), h("a", { href: hrefTo(state, { title: title.id }) }, title.title)),
    cardList(label, titles.map((one) => marked(joined(cards, one), state, chips(one.evidence.slice(0, 2), title.title))), "strip"));
}

function section(id, label, titles, state, why, nothing) {
  return h("section", { class: "row", "aria-labelledby": id }, h("h2", { id }, label),
    titles.length ? cardList(label, titles.map((one) => marked(one, state, h("p", { class: "soft small" }, why(one)))), "strip") : h("p", { class: "soft" }, nothing));
}

const marked = (title, state, ...why) => card(title, hrefTo(state, { title: title.id }), why, marks(title, state.user));

function saidSection(said, state) {
  if (!said.size) return null;
  const rows = [...said.values()];
  const line = (one) => h("li", { "data-id": one.id },
    h("a", { href: hrefTo(state, { title: one.id }) }, one.title), h("span", { class: "soft small" }, saidOf(one.types)),
    h("button", { class: "plain", type: "button", "aria-label": `Forget ${one.title}`, onclick: (event) => forget(event.currentTarget, one, state.user, one.types) }, "Forget"));
  return h("section", { class: "row", "aria-labelledby": "told" }, h("h2", { id: "told" }, `What ${state.user} said`),
    h("ul", { class: "told", "aria-label": "What was said" }, rows.slice(0, SAID).map(line)),
    rows.length > SAID ? h("p", { class: "soft" }, `The newest ${SAID} of ${rows.length} titles.`) : null);
}
