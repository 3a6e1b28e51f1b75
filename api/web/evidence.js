// How a title is joined to the one that was asked for: the service's drawing, and the same as a list with links.

import { cardsOf, get, getPicture, scopeOf } from "./api.js";
import { h, replace } from "./dom.js";
import { hrefTo } from "./state.js";

const narrow = matchMedia("(max-width: 46rem)");
const LOOKED_THROUGH = 50;

/** Fills a section with the evidence between `state.from` and this title. */
export async function evidenceSection(place, title, state, signal) {
  const heading = h("h2", { id: "evidence" }, "How they are joined");
  replace(place, heading, h("p", { class: "soft" }, "Looking …"));
  try {
    const ends = { from: state.from, to: title.id };
    const scope = state.all ? { ...scopeOf(state), catalog: "*" } : scopeOf(state);
    const [{ evidence }, reasons, name] = await Promise.all([get("explain", { ...ends, limit: 8 }, signal), otherReasons(ends, scope, signal), nameOf(state.from, signal)]);
    const all = [...reasons, ...evidence];
    heading.textContent = `Why it is close to ${name}`;
    if (!all.length) {
      replace(place, heading, h("p", { class: "lead" }, "Nothing in the graph joins them."));
      return;
    }
    const figure = h("figure", { class: "drawing" });
    const draw = async () => {
      const picture = await getPicture("explain.svg", { ...ends, ...scope, shape: narrow.matches ? "tall" : "wide" }, signal);
      replace(figure, picture);
    };
    await draw();
    const redraw = () => draw().catch(() => {});
    narrow.addEventListener("change", redraw);
    signal.addEventListener("abort", () => narrow.removeEventListener("change", redraw));
    replace(place, heading, figure, h("details", { class: "paths" }, h("summary", {}, "The same in words"),
      h("ul", {}, all.map((one) => h("li", {}, one.text, links(one, ends, state))))));
  } catch (error) {
    if (error.name !== "AbortError") replace(place, heading, h("p", { class: "problem" }, error.message));
  }
}

/** Reasons that are no paths in the graph: what viewers like, names and parts of one series. */
async function otherReasons({ from, to }, scope, signal) {
  if (from.startsWith("nm")) return [];
  const { similar } = await get(`titles/${encodeURIComponent(from)}/similar`, { limit: LOOKED_THROUGH, ...scope }, signal);
  return (similar.find((one) => one.id === to)?.evidence ?? []).filter((one) => one.kind !== "path");
}

async function nameOf(id, signal) {
  if (id.startsWith("nm")) return (await get(`people/${id}`, { limit: 1 }, signal)).name ?? id;
  return (await cardsOf([id], signal)).get(id)?.title ?? id;
}

/** People and titles on the way, to go on from. */
function links(one, { from, to }, state) {
  const ids = [...(one.path ?? []), ...(one.via ?? [])].filter((id) => /^(nm|tt)\d+$/.test(id) && id !== from && id !== to);
  return ids.map((id) => [" ", h("a", { href: hrefTo(state, id.startsWith("nm") ? { person: id } : { title: id }) }, id.startsWith("nm") ? "this person" : "this title")]);
}
