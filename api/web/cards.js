// A title as a card: poster, name, year, rating, and the reasons why it is shown. All of it is one link.

import { h } from "./dom.js";
import { poster } from "./poster.js";
import { compact, kindOf, reasonOf, yearsOf } from "./words.js";

/** Year, kind (where it is no film), rating. */
export function facts(card) {
  return h("p", { class: "facts" },
    card.start_year ? h("span", {}, yearsOf(card)) : null,
    card.kind && card.kind !== "movie" ? h("span", {}, kindOf(card.kind)) : null,
    rating(card));
}

/** IMDb's mean as a number with a star. */
export function rating(card) {
  if (card.average_rating === null || card.average_rating === undefined) return null;
  const votes = card.num_votes ? `${compact(card.num_votes)} votes` : "";
  return h("span", { class: "rating", title: votes },
    h("span", { "aria-hidden": "true" }, "★ "), h("span", { class: "unseen" }, "rated "), card.average_rating.toFixed(1));
}

/** Reasons as chips; where there are none, that is said. */
export function chips(evidence, asked) {
  if (!evidence.length) return h("p", { class: "no-reason" }, "nothing in the graph joins them");
  return h("ul", { class: "chips", "aria-label": "Why" },
    evidence.map((one) => h("li", { class: `chip ${one.kind}` }, reasonOf(one, asked))));
}

/** Reasons of a recommendation, and the title that it follows from, where that is one of those said something of. */
export function because(evidence, said) {
  const from = evidence.find((one) => one.kind === "liked" || one.kind === "watched"), carrier = said.get(from?.via[0]);
  return { reasons: evidence.map((one) => (carrier && one === from ? { ...one, text: `because of ${carrier.title}` } : one)), carrier };
}

/** A card in a list. `more` comes under the facts. */
export function card(title, href, ...more) {
  return h("li", { class: "card", "data-id": title.id },
    h("div", { class: "card-poster" }, poster(title)),
    h("div", { class: "card-text" },
      h("h3", {}, h("a", { href, class: "whole" }, title.title ?? title.id)),
      facts(title), more));
}

/** A list of cards. */
export const cardList = (label, cards, kind = "grid") => h("ul", { class: `cards ${kind}`, "aria-label": label }, cards);

/** What a hit or substitute says of itself, with what its card adds. */
export const joined = (cards, one) => ({ genres: [], ...one, ...(cards.get(one.id) ?? {}), title: one.title });
