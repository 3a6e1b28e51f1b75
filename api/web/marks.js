// What a viewer says of a title: watched, liked, not for me. A press says it, another one takes it back.

import { changeKey, get, write } from "./api.js";
import { byId, h, replace, s } from "./dom.js";
import { refresh } from "./state.js";

// type of feedback, on the button, in a sentence, drawn in 20 by 20
const MARKS = [
  ["watch", "Watched", "as watched", "M4 10.5 8.2 14.7 16 6"],
  ["like", "Like", "as liked", "M10 16.3C6.6 13.8 3.4 11.3 3.4 8a3.4 3.4 0 0 1 6.6-1.2A3.4 3.4 0 0 1 16.6 8c0 3.3-3.2 5.8-6.6 8.3z"],
  ["dislike", "Not for me", "as not for you", "M10 3.2a6.8 6.8 0 1 1 0 13.6 6.8 6.8 0 0 1 0-13.6zM5.2 5.2l9.6 9.6"],
];
const OPPOSITE = { like: "dislike", dislike: "like" };
const PAGE = 200, MOST = 1000;
let busy = false;

/** A viewer as the service has them, or null where it knows nobody of that id. */
export async function viewerOf(id, signal) {
  const { users } = await get("users", { id }, signal);
  return users[0] ?? null;
}

/** What a viewer said, the newest first: a map of titles to {id, title, types, says}, types one of types to what was said; of the newest thousand. */
export async function saidBy(id, signal) {
  const found = new Map();
  for (let offset = 0, total = 1; offset < Math.min(total, MOST); offset += PAGE) {
    const page = await get(`users/${encodeURIComponent(id)}/feedback`, { limit: PAGE, offset }, signal);
    total = page.total;
    for (const one of page.feedback) {
      const held = found.get(one.title) ?? { id: one.title, title: one.name ?? one.title, types: new Map(), says: "seen" };
      held.types.set(one.type, { type: one.type, value: one.value, time: one.time, comment: one.comment });
      if (one.says === "disliked" || held.says === "seen") held.says = one.says;
      found.set(one.title, held);
    }
  }
  return found;
}

/** What the viewer of a state said, for marks beside a title; null where there is no viewer, or none who may be asked. */
export async function saidHere(state, signal) {
  if (!state.user) return null;
  try {
    return (await viewerOf(state.user, signal)) ? await saidBy(state.user, signal) : null;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return null; // the title is shown all the same; the viewer's own page says what is wrong
  }
}

/** The buttons of a title. `said`: what the viewer has said of it, by type; `words`: with their names beside the signs. */
export function marks(title, user, said = new Map(), words = false) {
  return h("div", { class: words ? "marks words" : "marks", role: "group", "aria-label": `${title.title}, said by ${user}` },
    MARKS.map(([type, label, , path]) => h("button", { class: `mark-one ${type}`, type: "button", title: words ? null : label,
      "aria-label": words ? null : label, "aria-pressed": String(said.has(type)), "data-mark": type,
      onclick: (event) => pressed(event.currentTarget, title, user, type, said) },
    s("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, s("path", { d: path })), words ? label : null)));
}

function pressed(button, title, user, type, said) {
  const [, , as] = MARKS.find(([name]) => name === type);
  const held = said.get(type), other = said.get(OPPOSITE[type]);
  if (held) return change(button, `Taken back: “${title.title}”.`, user, title, [], [held]);
  return change(button, `Marked ${as}: “${title.title}”.`, user, title, [{ type }], other ? [other] : []);
}

/** Takes back everything that was said of a title. */
export const forget = (button, title, user, said) => change(button, `Forgotten: “${title.title}”.`, user, title, [], [...said.values()]);

/** Says some things of a title and takes others back, each with its type, value and time; shows what comes of it, and offers to undo it. */
async function change(button, text, user, title, added, removed) {
  if (busy) return;
  busy = true;
  button.setAttribute("aria-busy", "true");
  const restore = placeOf(button);
  try {
    await written(user, title, added, removed);
    await refresh();
    restore();
    tell(text, h("button", { class: "plain", type: "button", onclick: (event) => undo(event.currentTarget, user, title, removed, added) }, "Undo"));
  } catch (error) {
    button.removeAttribute("aria-busy");
    tell(error.message, error.status === 403 ? h("button", { class: "plain", type: "button", onclick: async () => { if (await changeKey(error.message)) clearUndo(); } }, "Use another key") : null);
  } finally {
    busy = false;
  }
}

async function undo(button, user, title, added, removed) {
  try {
    button.disabled = true;
    await written(user, title, added, removed);
    await refresh();
    tell(`Undone: “${title.title}”.`);
    (byId("main").querySelector(`[data-id="${CSS.escape(title.id)}"] a`) ?? byId("main").querySelector("h1, h2"))?.focus({ preventScroll: true });
  } catch (error) {
    tell(error.message);
  }
}

async function written(user, title, added, removed) {
  const path = `users/${encodeURIComponent(user)}/feedback/${encodeURIComponent(title.id)}`;
  if (added.length) await write("POST", "feedback", added.map((one) => ({ user, title: title.id, ...one })), ["users"]);
  for (const { type } of removed) await write("DELETE", `${path}?type=${encodeURIComponent(type)}`, undefined, ["users"]);
}

/** Where a button stands; what comes back puts the strips and the focus there again, on the next title where it went. */
function placeOf(button) {
  const list = button.closest("ul, ol")?.getAttribute("aria-label");
  const row = button.closest("li"), id = row?.dataset.id, at = row ? [...row.parentElement.children].indexOf(row) : -1;
  const name = button.dataset.mark;
  const scrolled = strips().map((one) => [one.getAttribute("aria-label"), one.scrollLeft]);
  return () => {
    for (const [label, left] of scrolled) for (const one of strips()) if (one.getAttribute("aria-label") === label) one.scrollLeft = left;
    const main = byId("main");
    if (!row) return main.querySelector(`.marks [data-mark="${name}"]`)?.focus({ preventScroll: true });
    const rows = [...(main.querySelector(`[aria-label="${CSS.escape(list)}"]`)?.children ?? [])];
    const next = rows.find((one) => one.dataset.id === id) ?? rows[Math.min(at, rows.length - 1)];
    (next?.querySelector(name ? `[data-mark="${name}"]` : "button") ?? main.querySelector("h1, h2"))?.focus({ preventScroll: true });
  };
}

const strips = () => [...byId("main").querySelectorAll(".cards.strip")];

const tell = (text, ...more) => replace(byId("undo"), h("p", {}, text), more,
  h("button", { class: "close", type: "button", "aria-label": "Close", onclick: clearUndo }, "×"));

/** Takes away what was said last about a mark. */
export const clearUndo = () => replace(byId("undo"));
