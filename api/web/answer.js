// The answer to a search: the status in words, what was meant, and what the catalog has instead.

import { cardsOf, get, scopeOf } from "./api.js";
import { card, cardList, chips, facts, joined } from "./cards.js";
import { byId, h } from "./dom.js";
import { marks, saidHere } from "./marks.js";
import { poster } from "./poster.js";
import { pickHref } from "./search.js";
import { hrefTo, tuningOf } from "./state.js";
import { foundBy, isNamed, kindOf, many, standIn, statusOf } from "./words.js";

const SETTLED_MS = 1500;
let counted = "";

/** The view of a search: {title, said, content}. */
export async function answerView(state, signal) {
  const asked = { q: state.pick || state.q, hits: state.hits, substitutes: state.substitutes, ...scopeOf(state), ...tuningOf(state) };
  const [found, { catalogs }, said] = await Promise.all([
    get("search", { ...asked, ...countOf(asked, state, signal) }, signal), get("catalogs", {}, signal), saidHere(state, signal)]);
  const answer = { ...found, bare: !catalogs.length, said };
  const listed = answer.hits.flatMap((hit) => offeredOf(hit));
  const cards = await cardsOf([...answer.hits.filter((hit) => !isNamed(hit)), ...listed].map((one) => one.id).slice(0, 500), signal);
  const hits = answer.status === "unknown" ? unknown(state)
    : answer.status === "ambiguous" ? choices(answer, cards, state)
      : answer.hits.map((hit, place) => hitSection(answer, hit, cards, state, place));
  return { title: state.q, said: told(answer, listed.length), content: h("div", { class: "answer" }, hits) };
}

/**
 * Whether the request counts as demand: once for each question, however the sliders stand, and not while it is typed.
 * What is typed is counted by a request of its own when it has stood for a while.
 */
function countOf(asked, state, signal) {
  const question = JSON.stringify([asked.q, scopeOf(state)]);
  if (question === counted) return { count: false };
  if (state.pick || document.activeElement !== byId("q")) {
    counted = question;
    return {};
  }
  setTimeout(() => {
    if (signal.aborted || question === counted) return;
    counted = question;
    get("search", asked).catch(() => {}); // whatever is wrong has been said
  }, SETTLED_MS);
  return { count: false };
}

const offeredOf = (hit) => hit.titles ?? hit.substitutes ?? [];

function told(answer, count) {
  if (answer.status === "unknown") return "Nothing of that name is known.";
  if (answer.status === "ambiguous") return `${many(answer.hits.length, "title")} may be meant. Choose one.`;
  return `${answer.hits[0].title}. ${statusOf(answer, answer.hits[0], count).join(" ")} ${many(count, "title")}.`;
}

function hitSection(answer, hit, cards, state, place) {
  const offered = offeredOf(hit);
  const own = { ...answer, status: hit.available ? "in_catalog" : "out_of_catalog" };
  const [status, next] = statusOf(place ? own : answer, hit, offered.length);
  const title = joined(cards, hit);
  const head = isNamed(hit) ? namedHead(hit, state) : titleHead(hit, title, answer.said, state);
  return h("section", { class: place ? "hit further" : "hit", "aria-labelledby": `hit-${place}` },
    h("div", { class: "asked" }, head(place),
      h("p", { class: `status ${hit.available ? "there" : "missing"}` }, h("strong", {}, status), next ? ` ${next}` : ""),
      offered.length ? meter(hit.substitutability) : null),
    offered.length ? cardList(next || status, offered.map((one) => offeredCard(hit, one, cards, state)))
      : null);
}

const titleHead = (hit, title, said, state) => (place) => [
  h("a", { class: "asked-poster", href: hrefTo(state, { title: hit.id }), tabindex: "-1", "aria-hidden": "true" }, poster(title)),
  h("div", { class: "asked-name" },
    h("h2", { id: `hit-${place}`, tabindex: "-1" }, h("a", { href: hrefTo(state, { title: hit.id }) }, hit.title)),
    facts(title),
    foundBy(hit.match, hit.title) ? h("p", { class: "soft" }, foundBy(hit.match, hit.title)) : null,
    said ? marks(title, state.user, said.get(hit.id)?.types) : null)];

const namedHead = (hit, state) => (place) => [
  h("div", { class: "asked-name" },
    h("h2", { id: `hit-${place}`, tabindex: "-1" }, hit.kind === "person" ? h("a", { href: hrefTo(state, { person: hit.id }) }, hit.title) : hit.title),
    h("p", { class: "facts" }, h("span", {}, kindOf(hit.kind))))];

/** How well the catalog can stand in, in words and as a bar. */
function meter(value) {
  if (value === null || value === undefined) return null;
  const words = standIn(value);
  const bar = h("span", { class: "meter-bar", "aria-hidden": "true" }, h("span", { class: "filled" }));
  bar.firstChild.style.inlineSize = `${Math.round(value * 100)}%`;
  return h("p", { class: `meter ${words}` }, bar, h("span", {}, "The best of them is ", h("b", {}, `a ${words} stand-in`)));
}

function offeredCard(hit, one, cards, state) {
  const title = joined(cards, one);
  const from = isNamed(hit) ? (hit.kind === "person" ? hit.id : "") : hit.id;
  const reasons = isNamed(hit) ? one.evidence.filter((reason) => reason.text !== hit.title) : one.evidence;
  const why = isNamed(hit) && !reasons.length ? null : chips(reasons, hit.title);
  return card(title, hrefTo(state, { title: one.id, from }), why);
}

function choices(answer, cards, state) {
  const name = answer.query === state.pick ? state.q : answer.query;
  return [h("section", { class: "hit", "aria-labelledby": "hit-0" },
    h("div", { class: "asked" }, h("div", { class: "asked-name" },
      h("h2", { id: "hit-0", tabindex: "-1" }, "Which one do you mean?"),
      h("p", { class: "soft" }, `“${name}” can mean ${many(answer.hits.length, answer.hits.some(isNamed) ? "thing" : "title")}.`))),
    cardList("Choices", answer.hits.map((hit) => choice(hit, cards, state)), "grid choices"))];
}

function choice(hit, cards, state) {
  const where = h("p", { class: `where ${hit.available ? "there" : ""}` }, hit.available ? "In the catalog" : "Not in the catalog");
  if (!isNamed(hit)) return card(joined(cards, hit), pickHref(state, hit), where);
  return h("li", { class: "card named" }, h("div", { class: "card-text" },
    h("h3", {}, h("a", { href: pickHref(state, hit), class: "whole" }, hit.title)), h("p", { class: "facts" }, h("span", {}, kindOf(hit.kind))), where));
}

const unknown = (state) => h("section", { class: "hit empty", "aria-labelledby": "hit-0" },
  h("h2", { id: "hit-0", tabindex: "-1" }, `Nothing is called “${state.q}”.`),
  h("p", { class: "lead" }, "No title, person, genre or keyword of that name is known, and none is close enough to guess."),
  h("p", { class: "soft" }, "A part of the title is enough, so is a name in another language, or an IMDb id such as tt0114709."));

