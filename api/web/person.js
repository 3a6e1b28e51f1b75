// A person: what they did, what of it the catalog has, and the rest by fame.

import { cardsOf, get, scopeOf } from "./api.js";
import { card, cardList, joined } from "./cards.js";
import { h } from "./dom.js";
import { hrefTo } from "./state.js";
import { many, partOf } from "./words.js";

const PAGE = 48, OFFERED = 12;

export async function personView(state, signal) {
  const [person, answer] = await Promise.all([
    get(`people/${encodeURIComponent(state.person)}`, { limit: PAGE }, signal),
    get("search", { q: state.person, hits: 1, substitutes: OFFERED, count: false, ...scopeOf(state) }, signal)]);
  const [hit] = answer.hits;
  const offered = hit?.id === person.id ? hit.titles : [];
  const cards = await cardsOf([...offered, ...person.titles].map((one) => one.id), signal);
  const name = person.name ?? person.id;
  const list = cardList("All titles", person.titles.map((one) => part(one, cards, state)));
  const content = h("article", { class: "person" },
    h("header", { class: "person-head" },
      h("h1", { tabindex: "-1" }, name),
      h("p", { class: "facts large" }, life(person), (person.professions ?? []).map((one) => h("span", {}, one.replaceAll("_", " "))))),
    offered.length ? h("section", { class: "row", "aria-labelledby": "offered" }, h("h2", { id: "offered" }, offeredLine(hit, state)),
      cardList("In the catalog", offered.map((one) => card(joined(cards, one), hrefTo(state, { title: one.id, from: hit.nearest.length ? person.id : "" }),
        hit.nearest.length ? h("p", { class: "soft small" }, one.evidence[0]?.text ?? "") : null)))) : null,
    h("section", { class: "row", "aria-labelledby": "all" }, h("h2", { id: "all" }, many(person.title_count, "title")), list,
      more(person, list, state, signal)));
  return { title: name, said: `${name}, ${many(person.title_count, "title")}`, content };
}

function life(person) {
  const { birth_year: born, death_year: died } = person;
  if (!born && !died) return null;
  return h("span", {}, died ? `${born ?? "?"}–${died}` : `born ${born}`);
}

function offeredLine(hit, state) {
  const here = state.catalog ? "this catalog" : "the catalogs";
  if (!hit.nearest.length) return `In ${here}`;
  return `Nothing of theirs is in ${here}. Closest you have:`;
}

function part(one, cards, state) {
  const did = [...one.roles.filter((role) => role !== "ACTED_IN" || !one.characters.length).map(partOf), one.characters.length ? one.characters.slice(0, 2).join(", ") : ""];
  return card(joined(cards, one), hrefTo(state, { title: one.id }), h("p", { class: "soft small" }, did.filter(Boolean).join(" · ")));
}

/** A button for the next page of titles, as long as there is one. */
function more(person, list, state, signal) {
  if (person.title_count <= PAGE) return null;
  let offset = PAGE;
  const button = h("button", { class: "plain", type: "button", onclick: async () => {
    button.disabled = true;
    try {
      const next = await get(`people/${encodeURIComponent(person.id)}`, { limit: PAGE, offset }, signal);
      const cards = await cardsOf(next.titles.map((one) => one.id), signal);
      list.append(...next.titles.map((one) => part(one, cards, state)));
      offset += PAGE;
      if (offset >= person.title_count) button.remove();
    } finally {
      button.disabled = false;
    }
  } }, "More titles");
  return h("p", { class: "more" }, button);
}
