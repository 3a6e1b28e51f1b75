// Ranked lists beside each other: where a title stood in the other one, what a viewer gave, and the same title lit in all.

import { because } from "./cards.js";
import { h } from "./dom.js";
import { hrefTo } from "./state.js";
import { kindOf, many, reasonOf, saidOf } from "./words.js";

const REASONS = 2, SAID = 24;
const SAYS = { liked: ["there", "counts as liked"], seen: ["", "counts as seen"], disliked: ["not", "counts as not liked"] };
const ORDER = Object.keys(SAYS);

/** How far two lists agree, in words. */
export function agreement(left, right) {
  const places = placesOf(left), both = right.filter((one) => places.has(one.id));
  const still = both.filter((one) => places.get(one.id) === right.indexOf(one)).length;
  if (!left.length || !right.length) return [];
  if (both.length === right.length && both.length === left.length && still === both.length) return ["The same titles in the same order."];
  if (!both.length) return ["No title is in both."];
  if (both.length === 1) return [`1 of ${many(right.length, "title")} is in both,`, `in ${still ? "the same" : "another"} place.`];
  return [`${both.length} of ${many(right.length, "title")} are in both,`, `${still || "none"} of them in the same place.`];
}

/** One of the two lists. `others`: the items of the other one, none where it could not be made; `which`: "first" or "second". */
export function rankedList(label, items, others, which, subject, state) {
  const places = others && placesOf(others);
  return h("ol", { class: "ranked", "aria-label": label }, items.map((one, at) => {
    const { reasons, carrier } = because(one.evidence, subject.said ?? new Map());
    const why = reasons.slice(0, REASONS).map((reason) => reasonOf(reason, carrier?.title ?? subject.name)).join(" · ");
    return h("li", { "data-id": one.id, "data-from": carrier?.id },
      h("span", { class: "place", "aria-hidden": "true" }, at + 1),
      h("div", { class: "ranked-text" },
        h("h3", {}, h("a", { class: "whole", href: hrefTo(state, { title: one.id, from: state.title, all: state.all }) }, one.title ?? one.id), " ",
          h("span", { class: "soft year" }, [one.start_year, one.kind === "movie" ? "" : kindOf(one.kind)].filter(Boolean).join(" "))),
        why ? h("p", { class: "soft small" }, why) : null),
      places ? (which === "first" ? leaving(places.get(one.id)) : moved(places.get(one.id), at)) : null);
  }));
}

const placesOf = (items) => new Map(items.map((one, at) => [one.id, at]));

/** Where a title of the second list stood in the first. */
function moved(was, at) {
  if (was === undefined) return move("new", "new", "not in the first list");
  if (was === at) return move("still", "=", "in the same place");
  const by = Math.abs(was - at);
  return was > at ? move("up", `↑ ${by}`, `${many(by, "place")} higher than in the first list`) : move("down", `↓ ${by}`, `${many(by, "place")} lower than in the first list`);
}

/** That a title of the first list is not in the second. */
const leaving = (is) => (is === undefined ? move("gone", "gone", "not in the second list") : null);

const move = (kind, sign, words) => h("span", { class: `move ${kind}`, title: words }, h("span", { "aria-hidden": "true" }, sign), h("span", { class: "unseen" }, words));

/** What a viewer said, what is liked most first, with what they gave. */
export function saidList(said, state) {
  const most = (one) => Math.max(...[...one.types.values()].map(({ value }) => value ?? -Infinity));
  const compared = (a, b) => (a === b ? 0 : b > a ? 1 : -1); // of equal ones the newest first, as they come
  const rows = [...said.values()].sort((a, b) => ORDER.indexOf(a.says) - ORDER.indexOf(b.says) || compared(most(a), most(b)));
  const line = (one) => h("li", { "data-id": one.id },
    h("a", { class: "whole", href: hrefTo(state, { title: one.id }) }, one.title),
    h("span", { class: `gave ${SAYS[one.says][0]}` }, saidOf(one.types), h("span", { class: "unseen" }, `, ${SAYS[one.says][1]}`)));
  const rest = rows.slice(SAID);
  return h("section", { class: "ranked-column", "aria-labelledby": "said-of" },
    h("div", { class: "ranked-head" }, h("p", { class: "label" }, many(rows.length, "title")), h("h2", { id: "said-of" }, `What ${state.user} said`),
      h("p", { class: "soft small" }, rows.length ? "The best liked first; the lists leave these out. What is recommended because of one lights up with it." : "")),
    h("div", {}, rows.length ? h("ul", { class: "gave-list", "aria-label": "What was said" }, rows.slice(0, SAID).map(line)) : h("p", { class: "soft" }, "Nothing yet."),
      rest.length ? h("details", {}, h("summary", {}, many(rest.length, "more", "more")), h("ul", { class: "gave-list", "aria-label": "More of what was said" }, rest.map(line))) : null));
}

/** Lights what belongs together wherever the pointer or the focus is: the same title, and what is there because of it. */
export function joinedRows(columns) {
  const rowOf = (event) => event.target.closest?.("[data-id]");
  const light = (row) => {
    const { id, from } = row?.dataset ?? {};
    for (const one of columns.querySelectorAll("[data-id]")) {
      one.classList.toggle("same", Boolean(id) && one.dataset.id === id);
      one.classList.toggle("kin", Boolean(id) && (one.dataset.from === id || one.dataset.id === from));
    }
  };
  const focused = () => columns.querySelector("[data-id]:focus-within");
  columns.addEventListener("mouseover", (event) => light(rowOf(event) ?? focused()));
  columns.addEventListener("mouseleave", () => light(focused()));
  columns.addEventListener("focusin", (event) => light(rowOf(event)));
  columns.addEventListener("focusout", () => light(null));
  return columns;
}
