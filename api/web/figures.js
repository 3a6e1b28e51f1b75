// The graph in numbers: how much it holds, and how titles spread over years, ratings, votes and genres.

import { get } from "./api.js";
import { h } from "./dom.js";
import { namedBars, plot, ratingBars, votesOf, yearBars } from "./plots.js";
import { hrefTo } from "./state.js";
import { compact, kindOf, number } from "./words.js";

const SAID = { ACTED_IN: "acted in", IN_GENRE: "in genre", HAS_KEYWORD: "has keyword", KNOWN_FOR: "known for", ALSO_KNOWN_AS: "also known as", EPISODE_OF: "episode of", SEEN_IN_ARCHIVE: "seen in archive footage" };

export async function figuresView(state, signal) {
  const figures = await get("figures", {}, signal);
  const { counts } = figures;
  const relations = Object.entries(counts).filter(([name, count]) => name === name.toUpperCase() && count);
  const total = relations.reduce((sum, [, count]) => sum + count, 0);
  const big = [["titles", counts.Title], ["people", counts.Person], ["relationships", total], ["catalogs", counts.Catalog]];
  const content = h("article", { class: "figures" },
    h("h1", { tabindex: "-1" }, "The graph in numbers"),
    h("p", { class: "soft" }, figures.made ? `Loaded ${new Date(figures.made).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" })}, version ${figures.version}` : `Version ${figures.version}`),
    h("dl", { class: "big" }, big.map(([name, count]) => h("div", {}, h("dt", {}, name), h("dd", { title: number(count ?? 0) }, (count ?? 0) < 10_000_000 ? number(count ?? 0) : compact(count))))),
    counts.Title ? plots(figures, state, signal) : null,
    relationships(relations, figures), catalogs(figures, state));
  return { title: "The graph", said: "The graph in numbers", content };
}

function plots({ titles_by_year: byYear, ratings, genres, titles_by_kind: kinds }, state, signal) {
  const years = Object.keys(byYear).map(Number);
  const peak = years.length ? years.reduce((best, year) => (byYear[year] > byYear[best] ? year : best)) : 0;
  const fullest = ratings.length ? ratings.reduce((best, one) => (one.titles > best.titles ? one : best)) : null;
  return h("div", { class: "plots" },
    years.length ? plot({ id: "years", title: "Titles a year", signal, draw: yearBars(byYear), columns: ["Year", "Titles"],
      text: `From ${years[0]} to ${years.at(-1)}; most of them, ${number(byYear[peak])}, from ${peak}.`,
      rows: Object.entries(byYear).map(([year, count]) => [year, number(count)]) }) : null,
    fullest ? plot({ id: "ratings", title: "Rating against votes", signal, draw: ratingBars(ratings), columns: ["Rating", "Votes", "Titles"],
      text: `The wider a bar, the more titles have that mean rating (upwards) from so many votes (to the right). Most, ${number(fullest.titles)}, have ${fullest.rating} to ${fullest.rating + 0.5} from ${votesOf(fullest.votes)}.`,
      rows: ratings.map((one) => [`${one.rating} to ${one.rating + 0.5}`, votesOf(one.votes), number(one.titles)]) }) : null,
    h("section", { class: "plot", "aria-labelledby": "genres" }, h("h2", { id: "genres" }, "Genres"),
      h("p", { class: "soft" }, "Titles of each of the most frequent genres."), namedBars(genres, (name) => hrefTo(state, { q: name }))),
    h("section", { class: "plot", "aria-labelledby": "kinds" }, h("h2", { id: "kinds" }, "Kinds"),
      h("p", { class: "soft" }, "Titles of each kind."), namedBars(Object.fromEntries(Object.entries(kinds).map(([kind, count]) => [kindOf(kind), count])))));
}

function relationships(relations, { degrees }) {
  return h("section", { class: "row", "aria-labelledby": "relations" }, h("h2", { id: "relations" }, "Relationships"),
    h("div", { class: "table-place", tabindex: "0", role: "region", "aria-labelledby": "relations" }, h("table", { class: "numbers" },
      h("thead", {}, h("tr", {}, ["", "how many", "mean of one", "most of one"].map((name) => h("th", { scope: "col", class: "label" }, name)))),
      h("tbody", {}, relations.sort((a, b) => b[1] - a[1]).map(([name, count]) => h("tr", {},
        h("th", { scope: "row" }, SAID[name] ?? name.toLowerCase()), h("td", {}, number(count)),
        h("td", {}, degrees[name] ? degrees[name].mean.toFixed(1) : ""), h("td", {}, degrees[name] ? number(degrees[name].max) : "")))))));
}

function catalogs({ catalogs: held }, state) {
  if (!Object.keys(held).length) return null;
  return h("section", { class: "row", "aria-labelledby": "catalogs" }, h("h2", { id: "catalogs" }, "Catalogs"),
    h("p", { class: "soft" }, "Offers of each."), namedBars(held, (slug) => hrefTo(state, { catalog: slug })));
}
