// A title: what it is, where it is offered, who made it, what is like it, and how it is joined to the one asked for.

import { cardsOf, get, scopeOf } from "./api.js";
import { card, cardList, chips, joined, rating } from "./cards.js";
import { h, replace } from "./dom.js";
import { evidenceSection } from "./evidence.js";
import { marks, saidHere } from "./marks.js";
import { poster } from "./poster.js";
import { pickHref } from "./search.js";
import { hrefOf, hrefTo, tuningOf } from "./state.js";
import { dayOf, kindOf, lengthOf, many, number, ROLES, yearsOf } from "./words.js";

const SIMILAR = 12, CAST_SHOWN = 12;

export async function titleView(state, signal) {
  const [title, cards, { catalogs }, said] = await Promise.all([
    get(`titles/${encodeURIComponent(state.title)}`, {}, signal), cardsOf([state.title], signal), get("catalogs", {}, signal), saidHere(state, signal)]);
  const shown = joined(cards, { ...title, title: title.title ?? title.id });
  const similar = h("section", { class: "row", "aria-labelledby": "similar" });
  const evidence = state.from && state.from !== state.title ? h("section", { class: "row evidence", "aria-labelledby": "evidence" }) : null;
  const content = h("article", { class: "title" },
    head(title, shown, said, state),
    evidence,
    h("div", { class: "columns" }, people(title, state), h("div", {}, offers(title, catalogs, state), names(title))),
    episodes(title, state), similar);
  fillSimilar(similar, title, state, signal);
  if (evidence) evidenceSection(evidence, title, state, signal);
  return { title: shown.title, said: `${shown.title}, ${kindOf(title.kind)}, ${yearsOf(title)}`, content };
}

function head(title, shown, said, state) {
  const original = title.original_title && title.original_title !== title.title ? title.original_title : "";
  const parts = [yearsOf(title), kindOf(title.kind), title.runtime_minutes ? lengthOf(title.runtime_minutes) : ""].filter(Boolean);
  return h("header", { class: "title-head" },
    h("div", { class: "title-poster" }, poster(shown)),
    h("div", { class: "title-name" },
      title.series.map((series) => h("p", { class: "soft" }, h("a", { href: hrefTo(state, { title: series.id }) }, series.title),
        series.season ? `, season ${series.season}, episode ${series.episode}` : "")),
      h("h1", { tabindex: "-1" }, shown.title),
      original ? h("p", { class: "original", lang: "" }, original) : null,
      h("p", { class: "facts large" }, parts.map((part) => h("span", {}, part)), rating(title),
        title.num_votes ? h("span", { class: "soft" }, `${number(title.num_votes)} votes`) : null),
      tags(title, state),
      title.text ? h("p", { class: "synopsis" }, title.text) : null,
      said ? marks(shown, state.user, said.get(title.id)?.types, true) : null,
      h("p", { class: "actions" },
        h("a", { class: "firm", href: pickHref({ ...state, from: "" }, shown) }, "What stands in for it"),
        /^tt\d+$/.test(title.id) ? h("a", { class: "plain", href: `https://www.imdb.com/title/${title.id}/`, rel: "noreferrer" }, "On IMDb") : null)));
}

function tags(title, state) {
  if (!title.genres.length && !title.keywords.length) return null;
  const tag = (name, kind) => h("li", {}, h("a", { class: `tag ${kind}`, href: hrefTo(state, { q: name }) }, name));
  return h("ul", { class: "tags", "aria-label": "Genres and keywords" },
    title.genres.map((name) => tag(name, "genre")), title.keywords.slice(0, 10).map((name) => tag(name, "keyword")));
}

function people(title, state) {
  const roles = Object.entries(ROLES).map(([role, label]) => [label, inRole(title.credits, role)]).filter(([, found]) => found.length);
  return h("section", { "aria-labelledby": "people" }, h("h2", { id: "people" }, "People"),
    roles.length ? h("dl", { class: "credits" }, roles.map(([label, found]) => [h("dt", { class: "label" }, label), credited(found, state)]))
      : h("p", { class: "soft" }, "The graph names nobody for this title."));
}

/** Everyone in a role once, with all their parts. */
function inRole(credits, role) {
  const found = new Map();
  for (const one of credits.filter((credit) => credit.role === role)) {
    const held = found.get(one.id) ?? { ...one, characters: [] };
    held.characters.push(...one.characters.filter((name) => !held.characters.includes(name)));
    found.set(one.id, held);
  }
  return [...found.values()];
}

function credited(found, state) {
  const line = (one) => h("li", {}, h("a", { href: hrefTo(state, { person: one.id }) }, one.name),
    one.characters.length ? h("span", { class: "soft" }, ` as ${one.characters.join(", ")}`) : null);
  const rest = found.slice(CAST_SHOWN);
  return h("dd", {}, h("ul", {}, found.slice(0, CAST_SHOWN).map(line)),
    rest.length ? h("details", {}, h("summary", {}, `${many(rest.length, "more", "more")}`), h("ul", {}, rest.map(line))) : null);
}

function offers(title, catalogs, state) {
  const names = new Map(catalogs.map((one) => [one.id, one.name ?? one.id]));
  const day = state.on || new Date().toISOString().slice(0, 10);
  const rows = title.offers.map((offer) => h("tr", {},
    h("th", { scope: "row" }, names.get(offer.catalog) ?? offer.catalog, h("span", { class: "soft item" }, offer.item_id ?? "")),
    h("td", {}, offer.regions.length ? offer.regions.join(", ") : "everywhere"),
    h("td", {}, when(offer)),
    h("td", {}, h("span", { class: `now ${isOn(offer, state.region, day) ? "there" : ""}` }, isOn(offer, state.region, day) ? "yes" : "no"))));
  const there = state.region || state.on ? [state.region, state.on && dayOf(state.on)].filter(Boolean).join(", ") : "Today";
  return h("section", { "aria-labelledby": "offers" }, h("h2", { id: "offers" }, "Where it is offered"),
    rows.length ? h("table", { class: "offers" },
      h("thead", {}, h("tr", {}, ["Catalog", "Regions", "When", there].map((name) => h("th", { scope: "col", class: "label" }, name)))), h("tbody", {}, rows))
      : h("p", {}, "No catalog offers it."));
}

function when({ available_from: from, available_until: until }) {
  if (from && until) return `${dayOf(from)} to ${dayOf(until)}`;
  return from ? `from ${dayOf(from)}` : until ? `until ${dayOf(until)}` : "always";
}

const isOn = (offer, region, day) => (!region || !offer.regions.length || offer.regions.includes(region))
  && (!offer.available_from || offer.available_from <= day) && (!offer.available_until || offer.available_until >= day);

function names(title) {
  if (!title.alternate_titles.length) return null;
  return h("details", { class: "names" }, h("summary", {}, `${many(title.alternate_titles.length, "other name")}`),
    h("ul", {}, title.alternate_titles.map((one) => h("li", {}, one.title, h("span", { class: "soft" }, ` ${[one.region, one.language].filter(Boolean).join(" ")}`)))));
}

function episodes(title, state) {
  if (!title.episodes.length) return null;
  return h("section", { class: "row", "aria-labelledby": "episodes" },
    h("h2", { id: "episodes" }, many(title.episode_count, "episode")),
    h("ol", { class: "episodes" }, title.episodes.map((one) => h("li", {},
      h("span", { class: "soft" }, one.season ? `${one.season} × ${String(one.episode ?? "").padStart(2, "0")}` : ""),
      h("a", { href: hrefTo(state, { title: one.id }) }, one.title)))),
    title.episode_count > title.episodes.length ? h("p", { class: "soft" }, `The first ${title.episodes.length} are shown.`) : null);
}

/** The titles most like it, in the catalogs or in the whole graph; comes when it comes. */
async function fillSimilar(place, title, state, signal) {
  const scope = state.all ? { ...scopeOf(state), catalog: "*" } : scopeOf(state);
  const where = (all, label) => h("a", { href: hrefOf({ ...state, all }), "aria-current": state.all === all ? "true" : null, "data-quiet": true }, label);
  const heading = h("div", { class: "row-head" }, h("h2", { id: "similar" }, "Similar titles"),
    h("p", { class: "switch" }, where("", state.catalog ? "in this catalog" : "in the catalogs"), where("1", "in the whole graph"),
      h("a", { href: hrefTo(state, { view: "compare", title: title.id, all: state.all }) }, "compare strategies")));
  const body = h("div", {}, h("p", { class: "soft" }, "Looking …"));
  replace(place, heading, body);
  try {
    const { similar } = await get(`titles/${encodeURIComponent(title.id)}/similar`, { limit: SIMILAR, ...scope, ...tuningOf(state) }, signal);
    const cards = await cardsOf(similar.map((one) => one.id), signal);
    replace(body, similar.length
      ? cardList("Similar titles", similar.map((one) => card(joined(cards, one), hrefTo(state, { title: one.id, from: title.id, all: state.all }), chips(one.evidence, title.title))))
      : h("p", {}, "Nothing is offered there on that day."));
  } catch (error) {
    if (error.name !== "AbortError") replace(body, h("p", { class: "problem" }, error.message));
  }
}
