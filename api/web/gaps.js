// What a catalog lacks: what was wanted and not to be had, how far others make up for it, and what to buy.

import { get, scopeOf } from "./api.js";
import { h } from "./dom.js";
import { pickHref } from "./search.js";
import { hrefOf, hrefTo } from "./state.js";
import { compact, many, number, standIn } from "./words.js";

const SHOWN = 25;

export async function gapsView(state, signal) {
  const { catalogs } = await get("catalogs", {}, signal);
  const catalog = state.catalog || (catalogs.length === 1 ? catalogs[0].id : "");
  if (!catalog) return choosing(catalogs, state);
  const name = catalogs.find((one) => one.id === catalog)?.name ?? catalog;
  const found = await get(`catalogs/${encodeURIComponent(catalog)}/gaps`,
    { region: state.region, on: state.on, days: state.days || "", budget: state.budget || "", limit: SHOWN }, signal);
  const share = found.demand ? found.lost / found.demand : 0;
  const content = h("article", { class: "gaps" },
    h("header", { class: "hero" }, h("h1", { tabindex: "-1" }, `What ${name} lacks`), h("p", { class: "lead" }, measured(found)),
      found.gaps.length ? h("p", { class: "lead" }, `Of all that was wanted, ${percent(share)} is lost: not to be had, and not made up for by what is.`) : null),
    found.gaps.length ? wanted(found, state) : h("p", { class: "lead" }, "Nothing that was wanted is missing."),
    purchases(found, state), unknown(found, state));
  return { title: `Gaps of ${name}`, said: `${name} lacks ${many(found.gaps.length, "title")} that are wanted most.`, content };
}

const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;

function choosing(catalogs, state) {
  const content = h("article", { class: "gaps" }, h("header", { class: "hero" },
    h("h1", { tabindex: "-1" }, catalogs.length ? "Whose gaps?" : "There is no catalog."),
    h("p", { class: "lead" }, catalogs.length ? "A gap is what people want that a catalog lacks and does not make up for." : "reelgraph load --catalog FILE brings one.")),
  h("ul", { class: "viewers" }, catalogs.map((one) => h("li", {}, h("a", { href: hrefOf({ ...state, catalog: one.id }) },
    h("span", { class: "monogram", "aria-hidden": "true" }, [...(one.name ?? one.id)][0].toUpperCase()),
    h("span", {}, h("b", {}, one.name ?? one.id), h("span", { class: "soft small" }, many(one.offers, "offer"))))))));
  return { title: "Gaps", said: "Whose gaps?", content };
}

function measured(found) {
  const titles = many(found.titles, "wanted title");
  if (found.measured_in === "searches") return `${titles}, by searches${found.days ? ` of the last ${found.days} days` : ""}.`;
  return `No title was searched for ${many(found.minimum_count, "time")}${found.days ? ` in the last ${found.days} days` : ""}, so IMDb’s votes stand for demand: ${titles}.`;
}

function wanted(found, state) {
  const unit = found.measured_in === "searches" ? "Searches" : "Votes";
  const largest = Math.max(...found.gaps.map((one) => one.gap), 1);
  return table("wanted", "Wanted, and not to be had", ["Title", unit, "Best stand-in", "Lost"], found.gaps.map((one) => [
    titleLink(one, pickHref(state, one)), h("td", { class: "figure" }, h("span", { title: number(one.demand) }, compact(one.demand))),
    h("td", {}, one.best ? [h("a", { href: hrefTo(state, { title: one.best.id, from: one.id }) }, one.best.title), " ",
      h("span", { class: "soft small" }, standIn(one.substitutability))] : h("span", { class: "soft" }, "none")),
    h("td", {}, bar(one.gap / largest, compact(one.gap)))]));
}

function purchases(found, state) {
  if (!found.purchases) return null;
  if (!found.purchases.length) return h("p", {}, "No title would win anything back.");
  return table("buy", `What to buy, the first ${found.purchases.length}`, ["Title", "Wins back", "Of all that is lost, with those before"],
    found.purchases.map((one) => [titleLink(one, pickHref(state, one)), h("td", { class: "figure" }, compact(one.gain)), h("td", {}, bar(one.won_back, percent(one.won_back)))]));
}

function unknown({ unknown: texts }, state) {
  if (!texts.length) return null;
  return table("unknown", "Asked for, and known to nobody", ["Text", "Searches"],
    texts.map((one) => [h("th", { scope: "row" }, h("a", { href: hrefTo(state, { q: one.text }) }, one.text)), h("td", { class: "figure" }, number(one.searches))]));
}

const titleLink = (one, href) => h("th", { scope: "row" }, h("a", { href }, one.title), one.start_year ? h("span", { class: "soft" }, ` ${one.start_year}`) : null);

function bar(share, text) {
  const line = h("span", { class: "bar-line", "aria-hidden": "true" });
  line.style.setProperty("--share", share);
  return h("span", { class: "barred" }, line, h("span", { class: "count" }, text));
}

function table(id, label, columns, rows) {
  return h("section", { class: "row", "aria-labelledby": id }, h("h2", { id }, label),
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-labelledby": id }, h("table", { class: "lacking" },
      h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col", class: "label" }, name)))),
      h("tbody", {}, rows.map((cells) => h("tr", {}, cells))))));
}
