// Who is watching: one of the service's viewers, or somebody new.

import { get, write } from "./api.js";
import { h, replace } from "./dom.js";
import { viewerOf } from "./marks.js";
import { goTo, hrefOf, hrefTo } from "./state.js";
import { many } from "./words.js";

const SHOWN = 24;

/** The view in which a viewer is chosen or made. */
export async function choosing(state, signal) {
  const { users } = await get("users", { limit: SHOWN }, signal);
  const question = state.view === "compare" ? "Whose lists, side by side?" : "Who is watching?";
  const content = h("article", { class: "choosing" },
    h("header", { class: "hero" },
      h("h1", { tabindex: "-1" }, question),
      h("p", { class: "lead" }, state.view === "compare" ? "What two strategies recommend to a viewer, beside what that viewer said."
        : "Mark what was watched, liked, or is not for you. What is recommended follows at once.")),
    h("section", { class: "row", "aria-labelledby": "new" }, h("h2", { id: "new" }, "Somebody new, or by id"), naming(state)),
    users.length ? h("section", { class: "row", "aria-labelledby": "known" },
      h("h2", { id: "known" }, users.length < SHOWN ? "Viewers" : `The first ${SHOWN} viewers`),
      h("ul", { class: "viewers" }, users.map((one) => h("li", {}, h("a", { href: to(state, one.id) },
        h("span", { class: "monogram", "aria-hidden": "true" }, [...one.id][0].toUpperCase()),
        h("span", {}, h("b", {}, one.id), h("span", { class: "soft small" }, one.feedback ? many(one.feedback, "mark") : "nothing said yet")))))))
      : h("p", { class: "soft" }, "The service knows no viewers yet. They come with feedback, or are made here."));
  return { title: "Viewer", said: question, content };
}

/** Where nobody is called so: said plainly, with a way to change that. */
export function nobody(state) {
  const problem = h("p", { class: "problem", role: "alert" });
  const content = h("section", { class: "failed" },
    h("h2", { tabindex: "-1" }, `Nobody is called “${state.user}” yet.`),
    h("p", { class: "lead" }, "A viewer is made by what they say, or here."), problem,
    h("p", { class: "actions" },
      h("button", { class: "firm", type: "button", onclick: () => opened(state, state.user, problem) }, `Be ${state.user}`),
      h("a", { class: "plain", href: to(state, "") }, "Somebody else")));
  return { title: "Viewer", said: `Nobody is called ${state.user} yet.`, content };
}

function naming(state) {
  const input = h("input", { id: "viewer", type: "text", maxlength: 200, required: true, pattern: "[^\\/]+", title: "Any name without a slash", autocomplete: "off", spellcheck: "false", autocapitalize: "off", placeholder: "Any name will do" });
  const problem = h("p", { class: "problem", role: "alert" });
  return h("form", { class: "naming", onsubmit: (event) => {
    event.preventDefault();
    const id = input.value.trim();
    if (id) opened(state, id, problem);
  } }, h("div", { class: "field" }, h("label", { class: "label", for: "viewer" }, "Viewer"), input), h("button", { class: "firm", type: "submit" }, "Go on"), problem);
}

/** Opens a viewer's page, and makes the viewer where there is none. */
async function opened(state, id, problem) {
  replace(problem);
  try {
    if (!await viewerOf(id)) await write("PUT", `users/${encodeURIComponent(id)}`, {}, ["users"]);
    goTo(to(state, id), { push: id !== state.user });
  } catch (error) {
    replace(problem, document.createTextNode(error.message));
  }
}

/** A viewer's page, or their lists side by side where these are what is asked for. */
const to = (state, user) => (state.view === "compare" ? hrefOf({ ...state, user }) : hrefTo(state, { view: "viewer", user }));
