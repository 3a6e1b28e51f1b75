// What is shown before anything was asked: how large the graph is, and its best known titles, missing and offered.

import { get, scopeOf } from "./api.js";
import { card, cardList } from "./cards.js";
import { h } from "./dom.js";
import { pickHref } from "./search.js";
import { hrefTo } from "./state.js";
import { number } from "./words.js";

export async function startView(state, signal) {
  const [known, figures] = await Promise.all([get("best-known", { limit: 12, ...scopeOf(state) }, signal), get("figures", {}, signal)]);
  const { Title: titles = 0, Person: people = 0 } = figures.counts;
  const here = state.catalog ? "this catalog" : "your catalogs";
  const content = h("div", { class: "start" },
    h("section", { class: "hero" },
      h("h1", { tabindex: "-1" }, "Ask for any title. See what you have instead, and why."),
      h("p", { class: "lead" }, `${number(titles)} titles, ${number(people)} people, ${catalogsOf(figures)}.`)),
    row(`Well known, and not in ${here}`, known.missing, (one) => pickHref(state, one), "missing"),
    row(`Well known, and in ${here}`, known.offered, (one) => hrefTo(state, { title: one.id }), "offered"),
    titles ? null : h("p", { class: "lead" }, "The graph holds no titles yet: reelgraph load --imdb DIR brings them, reelgraph demo a sample."));
  return { title: "", said: "", content };
}

function catalogsOf(figures) {
  const count = Object.keys(figures.catalogs).length;
  return count === 1 ? "one catalog" : `${count || "no"} catalogs`;
}

function row(label, titles, hrefOfOne, id) {
  if (!titles.length) return null;
  return h("section", { class: "row", "aria-labelledby": id }, h("h2", { id }, label),
    cardList(label, titles.map((one) => card(one, hrefOfOne(one))), "strip"));
}
