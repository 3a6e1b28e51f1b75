// Two strategies side by side: what each recommends to a viewer, beside what the viewer said; or what each finds like a title.

import { cardsOf, get, scopeOf } from "./api.js";
import { h, replace } from "./dom.js";
import { saidBy, viewerOf } from "./marks.js";
import { agreement, joinedRows, rankedList, saidList } from "./ranked.js";
import { goTo, hrefOf, hrefTo, read, tuningOf } from "./state.js";
import { choosing, nobody } from "./viewers.js";

const USUAL = "usual"; // of the address; a request then names none
const RANKER = ["towers", "towers-ranked"];
const OTHERS = { viewer: ["popularity"], title: ["embedding", "genres"] }; // what the usual one is set against, unless told
const TOPS = [10, 20, 50, 100];

let held = null; // the view of a viewer or title: it changes in place, so that nobody loses the field they are in

export async function compareView(state, signal) {
  if (!state.title && !state.user) return choosing(state, signal);
  if (!state.title && !await viewerOf(state.user, signal)) return nobody(state);
  const { strategies } = await get("strategies", {}, signal);
  const known = new Map(strategies.map((one) => [one.name, one]));
  const pair = pairOf(state, known);
  const subject = state.title ? await ofTitle(state, signal) : await ofViewer(state, signal);
  const [left, right] = await answersOf(pair, known, subject, state, signal);
  signal.throwIfAborted();
  const told = left.items && right.items ? agreement(left.items, right.items) : [];
  const key = `${state.title} ${state.title ? "" : state.user}`;
  if (held?.key !== key || !held.content.isConnected) held = { key, ...frame(known) };
  replace(held.head,
    h("div", {}, h("h1", { tabindex: "-1" }, subject.heading), h("p", { class: "facts large" }, told.map((one) => h("span", {}, one)))),
    h("p", { class: "actions" }, subject.ways));
  held.show(state, pair);
  replace(held.beside,
    column("first", pair[0], left, known, subject, state, right.items, isRanker(pair)),
    column("second", pair[1], right, known, subject, state, left.items, isRanker(pair)),
    subject.said ? saidList(subject.said, state) : null);
  held.beside.classList.toggle("with-said", Boolean(subject.said));
  return { title: `${subject.name}, side by side`, said: [`${nameOf(pair[0])} beside ${nameOf(pair[1])}.`, ...told].join(" "), content: held.content };
}

/** What stays while other lists come: {content, head, beside, show}. */
function frame(known) {
  const head = h("header", { class: "viewer-head" }), beside = joinedRows(h("div", { class: "beside" })), { bar, show } = controls(known);
  return { head, beside, show, content: h("article", { class: "compare" }, head, bar, beside) };
}

/** The two that are compared: those of the address; else the ranker and what it ranks; else the usual one and another. */
function pairOf(state, known) {
  const can = (name) => known.get(name)?.available;
  if (!state.left && !state.right && !state.strategy && hasRanker(state, known)) return RANKER;
  const other = OTHERS[state.title ? "title" : "viewer"].find(can) ?? USUAL;
  return [state.left || USUAL, state.right || state.strategy || other];
}

const hasRanker = (state, known) => !state.title && RANKER.every((name) => known.get(name)?.available);
const isRanker = (pair) => RANKER.every((name, at) => name === pair[at]);
const nameOf = (strategy) => (strategy === USUAL ? "As usual" : strategy);

/** A viewer: what is said of them, and how a list of theirs is asked for. It counts for no experiment, for others look at it. */
async function ofViewer(state, signal) {
  const said = await saidBy(state.user, signal);
  const asked = { limit: state.top, count: false, ...scopeOf(state) };
  return { name: state.user, heading: `For ${state.user}, side by side`, said, whose: `what ${state.user} likes`,
    ways: [h("a", { class: "plain", href: hrefTo(state, { view: "viewer" }) }, `${state.user}’s page`), h("a", { class: "plain", href: hrefOf({ ...state, user: "" }) }, "Somebody else")],
    list: async (strategy) => get(`users/${encodeURIComponent(state.user)}/recommendations`, { ...asked, strategy }, signal) };
}

async function ofTitle(state, signal) {
  const id = state.title, name = (await cardsOf([id], signal)).get(id)?.title ?? id;
  const scope = state.all ? { ...scopeOf(state), catalog: "*" } : scopeOf(state);
  return { name, heading: ["Like ", h("a", { href: hrefTo(state, { title: id, all: state.all }) }, name), ", side by side"], said: null, whose: name, ways: [],
    list: async (strategy) => {
      const found = await get(`titles/${encodeURIComponent(id)}/similar`, { limit: state.top, ...scope, strategy }, signal);
      return { ...found, items: found.similar };
    } };
}

/** What each answers: {items, strategy …}, or {problem}. What is known not to answer here is not asked. What is wrong with both is thrown. */
async function answersOf(pair, known, subject, state, signal) {
  const failed = [];
  const answers = await Promise.all(pair.map(async (name) => {
    const one = known.get(name);
    if (name !== USUAL && !one) return { problem: `No strategy is called “${name}” here. The list above has those that there are.` };
    if (one && !one.available) return { problem: `It cannot answer here: ${one.missing}.` };
    try {
      return await subject.list(name === USUAL ? "" : name);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      failed.push(error);
      return { problem: error.message };
    }
  }));
  if (failed.length === 2 && failed[0].message === failed[1].message || failed.some((one) => [401, 403].includes(one.status))) throw failed[0];
  return answers;
}

/** `ranking`: whether the two are the ranker and what it ranks, in this order. */
function column(id, strategy, answer, known, subject, state, others, ranking) {
  const by = known.get(answer.strategy ?? strategy);
  const about = answer.problem ? null : [
    strategy === USUAL ? `${answer.strategy}${answer.experiment ? `, the arm ${answer.experiment.arm} of ${answer.experiment.name}` : ""}: ` : "",
    strategy !== USUAL && answer.strategy !== strategy ? `${strategy} knows nothing of ${subject.whose}, so ${answer.strategy} answers: ` : "", by?.about ?? ""];
  return h("section", { class: "ranked-column", "aria-labelledby": id },
    h("div", { class: "ranked-head" },
      h("p", { class: "label" }, { first: "First list", second: "Second list" }[id] + (ranking ? `, ${id === "first" ? "before" : "after"} the ranker` : "")),
      h("h2", { id }, nameOf(strategy)),
      h("p", { class: "soft small" }, about)),
    answer.problem ? h("p", { class: "problem", role: "alert" }, answer.problem)
      : answer.items.length ? rankedList(nameOf(strategy), answer.items, others, id, subject, state) : h("p", {}, "Nothing is offered there on that day."));
}

/** The fields by which two lists are chosen: {bar, show}; show puts the state into them. Every choice is written into the address. */
function controls(known) {
  const change = () => goTo(hrefOf({ ...read(), left: left.value, right: right.value, top: Number(top.value) }), { push: false });
  const left = choice("left", known, change), right = choice("right", known, change);
  const top = h("select", { id: "top", onchange: change }, TOPS.map((count) => h("option", { value: count }, count)));
  const swap = h("a", { class: "plain swap", "data-quiet": true }, h("span", { "aria-hidden": "true" }, "⇄ "), "Swap");
  const ranker = h("a", { class: "plain ranker", "data-quiet": true }, "Before and after the ranker");
  const note = h("p", { class: "soft small" });
  const bar = h("div", { class: "comparing", role: "group", "aria-label": "What is compared" },
    field("First list", left), swap, field("Second list", right), field("Titles of each", top, "narrow"), ranker, note);
  const show = (state, pair) => {
    pair.forEach((name, at) => put([left, right][at], name, `${name} (not here)`));
    put(top, state.top, state.top);
    swap.setAttribute("href", hrefOf({ ...state, left: pair[1], right: pair[0] }));
    ranker.setAttribute("href", hrefOf({ ...state, left: RANKER[0], right: RANKER[1] }));
    ranker.hidden = !hasRanker(state, known) || isRanker(pair);
    const tuned = Object.keys(tuningOf({ ...state, strategy: "" })).length > 0;
    note.textContent = `Arrows say by how many places a title stands higher or lower than in the first list.${tuned ? " The sliders under Tune do not count here." : ""}`;
  };
  return { bar, show };
}

const field = (label, select, kind = "") => h("div", { class: `field ${kind}` }, h("label", { class: "label", for: select.id }, label), select);

/** All strategies; those that cannot answer here apart. */
function choice(id, known, change) {
  const names = [...known.values()], cannot = names.filter((one) => !one.available);
  const option = (one) => h("option", { value: one.name, title: one.about }, one.name);
  return h("select", { id, onchange: change },
    h("option", { value: USUAL }, nameOf(USUAL)), names.filter((one) => one.available).map(option),
    cannot.length ? h("optgroup", { label: "Not usable here" }, cannot.map(option)) : null);
}

/** Chooses a value, which becomes one of the options where it is none yet. */
function put(select, value, label) {
  if (![...select.options].some((one) => one.value === String(value))) select.append(h("option", { value }, label));
  select.value = String(value);
}
