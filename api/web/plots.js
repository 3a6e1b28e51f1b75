// Plots as SVG, drawn as wide as their place; each with its figures as a table beneath, for whoever does not see it.

import { h, replace, s } from "./dom.js";
import { compact, number } from "./words.js";

const LEFT = 48, RIGHT = 8, TOP = 12, BOTTOM = 34;

/** A figure: heading, what it shows in a sentence, the plot by `draw(width)`, and its table. */
export function plot({ id, title, text, draw, columns, rows, signal }) {
  const place = h("div", { class: "plot-place" });
  const observer = new ResizeObserver(([entry]) => {
    const width = Math.round(entry.contentRect.width);
    if (width > 0) replace(place, drawn(draw, width, id, title, text));
  });
  observer.observe(place);
  signal.addEventListener("abort", () => observer.disconnect());
  return h("figure", { class: "plot" },
    h("figcaption", {}, h("h2", {}, title), h("p", { class: "soft" }, text)), place,
    h("details", {}, h("summary", {}, "As a table"),
      h("div", { class: "table-place", tabindex: "0", role: "region", "aria-label": `${title}, as a table` }, h("table", {},
        h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((cell) => h("td", {}, cell)))))))));
}

function drawn(draw, width, id, title, text) {
  const height = Math.round(Math.min(Math.max(width * 0.42, 240), 340));
  return s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-labelledby": `${id}-t ${id}-d` },
    s("title", { id: `${id}-t` }, title), s("desc", { id: `${id}-d` }, text), draw(width, height));
}

/** Steps of 1, 2 or 5 times a power of ten, `most` at most, the last one not below `value`. */
export function ticksTo(value, most = 4) {
  const raw = Math.max(value, 1) / most, power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max(1, power * [1, 2, 5, 10].find((factor) => factor * power >= raw));
  const count = Math.ceil(value / step) || 1;
  return Array.from({ length: count + 1 }, (_, at) => at * step);
}

const label = (x, y, text, anchor = "middle") => s("text", { x, y, "text-anchor": anchor, class: "tick" }, text);

/** Bars for each year from the first to the last that has titles. */
export function yearBars(byYear) {
  return (width, height) => {
    const years = Object.keys(byYear).map(Number), first = Math.min(...years), last = Math.max(...years);
    const ticks = ticksTo(Math.max(...Object.values(byYear))), top = ticks.at(-1);
    const step = (width - LEFT - RIGHT) / (last - first + 1), down = height - BOTTOM;
    const y = (value) => down - (value / top) * (down - TOP);
    const every = [5, 10, 20, 25, 50].find((one) => (one * step) > 44) ?? 50;
    return [
      ticks.map((tick) => [s("line", { x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick), class: tick ? "grid" : "axis" }), label(LEFT - 8, y(tick) + 4, compact(tick), "end")]),
      years.map((year) => s("rect", { x: LEFT + (year - first) * step, y: y(byYear[year]), width: Math.max(step - (step > 3 ? 1 : 0), 0.6), height: down - y(byYear[year]), class: "bar" },
        s("title", {}, `${year}: ${number(byYear[year])}`))),
      years.length ? Array.from({ length: last - first + 1 }, (_, at) => first + at).filter((year) => year % every === 0)
        .map((year) => label(LEFT + (year - first + 0.5) * step, height - 12, year)) : null,
    ];
  };
}

/** For each power of ten of votes a column of bars, as wide as the number of titles with that rating. */
export function ratingBars(ratings) {
  return (width, height) => {
    const votes = ratings.map((one) => Math.round(Math.log10(one.votes)));
    const first = Math.min(...votes), columns = Math.max(...votes) - first + 1;
    const most = Math.max(...ratings.map((one) => one.titles));
    const low = Math.min(...ratings.map((one) => one.rating)), high = Math.max(...ratings.map((one) => one.rating)) + 0.5;
    const column = (width - LEFT - RIGHT) / columns, down = height - BOTTOM, row = (down - TOP) / ((high - low) / 0.5);
    const x = (at) => LEFT + (at + 0.5) * column, y = (rating) => down - ((rating - low) / 0.5) * row;
    const whole = Array.from({ length: 10 }, (_, at) => at + 1).filter((one) => one >= low && one <= high);
    const bar = (one, at) => {
      const wide = Math.max((column * 0.92 * one.titles) / most, 1.5);
      return s("rect", { x: x(votes[at] - first) - wide / 2, y: y(one.rating + 0.5) + 0.75, width: wide, height: Math.max(row - 1.5, 1), class: "bar" },
        s("title", {}, `${number(one.titles)} titles rated ${one.rating} to ${one.rating + 0.5} by ${votesOf(one.votes)}`));
    };
    return [
      whole.map((one) => [s("line", { x1: LEFT, x2: width - RIGHT, y1: y(one), y2: y(one), class: "grid" }), label(LEFT - 10, y(one) + 4, one, "end")]),
      ratings.map(bar),
      Array.from({ length: columns }, (_, at) => label(x(at), height - 12, column < 70 ? compact(10 ** (first + at)) : votesOf(10 ** (first + at)).replace(" votes", ""))),
    ];
  };
}

/** A power of ten of votes, up to the next. */
export const votesOf = (votes) => `${compact(votes)}–${compact(votes * 10)} votes`;

/** Bars with their names, as a list that reads as well as it looks. */
export function namedBars(counts, hrefOfOne = null) {
  const most = Math.max(...Object.values(counts), 1);
  return h("ul", { class: "bars" }, Object.entries(counts).map(([name, count]) => {
    const bar = h("span", { class: "bar-line", "aria-hidden": "true" });
    bar.style.setProperty("--share", String(count / most));
    return h("li", {}, hrefOfOne ? h("a", { href: hrefOfOne(name) }, name) : h("span", {}, name), bar, h("span", { class: "count" }, number(count)));
  }));
}
