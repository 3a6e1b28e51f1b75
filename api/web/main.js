// The page: one state in the address bar, one view for it, in place of the one before.

import { answerView } from "./answer.js";
import { changeKey, whenKeyIsNeeded } from "./api.js";
import { compareView } from "./compare.js";
import { byId, h, replace } from "./dom.js";
import { figuresView } from "./figures.js";
import { gapsView } from "./gaps.js";
import { askForKey } from "./key.js";
import { clearUndo } from "./marks.js";
import { personView } from "./person.js";
import { listCatalogs, startSearch, syncSearch } from "./search.js";
import { startView } from "./start.js";
import { goTo, hrefTo, onChange, read } from "./state.js";
import { titleView } from "./title.js";
import { viewerView } from "./viewer.js";

const SLOW_MS = 200;
const PAGES = ["viewer", "gaps", "figures"]; // of the head, beside the search
let running = new AbortController(), shown = null;

/** Which view a state means: its name, what tells it from another one of that name, and how it is made. */
function viewOf(state) {
  if (state.view === "compare") return { name: "compare", page: state.title ? "search" : "viewer", key: `compare ${state.title || `by ${state.user}`}`, make: compareView };
  if (state.title) return { name: "title", key: `title ${state.title} ${state.from}`, make: titleView };
  if (state.person) return { name: "person", key: `person ${state.person}`, make: personView };
  if (state.view === "figures") return { name: "figures", key: "figures", make: figuresView };
  if (state.view === "viewer") return { name: "viewer", key: `viewer ${state.user}`, make: viewerView };
  if (state.view === "gaps") return { name: "gaps", key: "gaps", make: gapsView };
  return state.q ? { name: "answer", key: `answer ${state.pick}`, make: answerView } : { name: "start", key: "start", make: startView };
}

async function show(state, how) {
  running.abort();
  running = new AbortController();
  const { signal } = running, view = viewOf(state);
  const isNew = shown !== view.key;
  const inSearch = view.name === "answer" || view.name === "start";
  if (isNew) clearUndo();
  document.body.dataset.view = view.name;
  syncSearch(state, inSearch);
  markPage(state, view.page ?? view.name);
  const main = byId("main"), slow = setTimeout(() => main.setAttribute("aria-busy", "true"), SLOW_MS);
  let made;
  try {
    made = await view.make(state, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    made = failed(error, () => show(state, how));
  } finally {
    clearTimeout(slow);
  }
  if (signal.aborted) return;
  main.removeAttribute("aria-busy");
  document.title = made.title ? `${made.title} – Reelgraph` : "Reelgraph";
  byId("said").textContent = made.said;
  if (main.contains(made.content)) { // a view that has changed in place
    if (how === "pop") settle(how, isNew, main);
    return;
  }
  const content = h("div", { class: "view" }, made.content);
  if (isNew) content.dataset.view = view.name; // only another view arrives; what is typed changes in place
  const focused = main.contains(document.activeElement) && document.activeElement.getAttribute("href");
  main.style.minHeight = isNew ? "" : `${main.offsetHeight}px`; // nothing jumps while a part is still being read
  replace(main, content);
  if (focused && !isNew) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  settle(how, isNew, content);
  shown = view.key;
}

/** Where the reader is after a change: a new view begins at its heading; going back ends where it was left. */
function settle(how, isNew, content) {
  if (how === "pop") scrollTo(0, history.state?.top ?? 0);
  else if (how === "push" && isNew) scrollTo(0, 0);
  if (!isNew || how === "replace" || document.activeElement === byId("q")) return;
  if (how !== "first") content.querySelector("h1, h2")?.focus({ preventScroll: true });
}

function failed(error, again) {
  const missing = error.status === 404, refused = error.status === 403;
  const another = async () => { if (await changeKey(error.message)) again(); };
  return { title: error.title ?? "Something went wrong", said: error.message, content: h("section", { class: "failed", role: "alert" },
    h("h2", { tabindex: "-1" }, missing ? "That is not here." : error.title ?? "Something went wrong"),
    h("p", { class: "lead" }, error.message),
    h("p", { class: "actions" }, missing ? h("a", { class: "firm", href: "?" }, "Start again") : h("button", { class: "firm", type: "button", onclick: again }, "Try again"),
      refused ? h("button", { class: "plain", type: "button", onclick: another }, "Use another key") : null)) };
}

function markPage(state, name) {
  for (const link of document.querySelectorAll("[data-page]")) {
    const page = link.dataset.page, current = page === (PAGES.includes(name) ? name : "search");
    link.href = hrefTo(state, { view: page === "search" ? "" : page });
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** Links within the page change the state; all others, and those for a new tab, are the browser's. */
function followLinks() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='?']");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    goTo(link.getAttribute("href"), { push: !link.hasAttribute("data-quiet") });
  });
}

function watchConnection() {
  const tell = () => document.body.classList.toggle("offline", !navigator.onLine);
  addEventListener("online", () => { tell(); show(read(), "replace"); });
  addEventListener("offline", tell);
}

whenKeyIsNeeded(askForKey);
onChange(show);
startSearch();
followLinks();
watchConnection();
listCatalogs().catch(() => {}); // the view says what is wrong
show(read(), "first");
