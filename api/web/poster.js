// A poster for every title, drawn from its id, genres and year: the same one each time, and no picture of anyone's.

import { h, s } from "./dom.js";
import { chosenFor } from "./motifs.js";
import { randomOf } from "./random.js";

// How posters were laid out: until which year, where the picture stands (x, y, width, height in 200 by 300), the letters.
const STYLES = [
  { until: 1939, name: "plate", art: [22, 22, 156, 166], serif: true },
  { until: 1959, name: "bill", art: [0, 96, 200, 204], serif: true },
  { until: 1979, name: "swiss", art: [0, 100, 200, 200], serif: false },
  { until: 1999, name: "sheet", art: [0, 0, 200, 206], serif: true },
  { until: 9999, name: "cover", art: [0, 0, 200, 200], serif: true },
];
const MODERN = { name: "label", art: [14, 14, 172, 186], serif: false };
const SIZES = [32, 26, 21, 18, 15.5, 13.5, 11.5, 10, 8.6, 7.4]; // of letters, in hundredths of the poster's width; classes size-0 …
const ROOM = { width: 84, height: 33 };

/** A poster for a title `{id, title, start_year, genres, poster_url}`; hidden from readers, who get the title itself. */
export function poster(title) {
  const random = randomOf(title.id);
  const { motif, colours } = chosenFor(title.genres ?? [], random);
  const era = STYLES.find((one) => (title.start_year ?? 2010) <= one.until);
  const style = era.name === "cover" && random.next() < 0.35 ? MODERN : era;
  const picture = title.poster_url ? photograph(title.poster_url) : null;
  return h("div", { class: `poster ${style.name}`, "aria-hidden": "true" },
    drawing(motif, colours, style, random),
    h("div", { class: `poster-text size-${sizeOf(title.title, style.serif)} on-${nameOf(colours)}` },
      h("span", { class: "poster-title" }, title.title),
      h("span", { class: "poster-year" }, title.start_year ?? "")),
    picture);
}

/** The place of a poster whose title is still being read. */
export const blankPoster = () => h("div", { class: "poster blank", "aria-hidden": "true" });

function photograph(url) {
  const image = h("img", { src: url, alt: "", loading: "lazy", decoding: "async", referrerpolicy: "no-referrer" });
  image.addEventListener("error", () => image.remove()); // the drawn one is underneath
  return image;
}

function drawing(motif, colours, style, random) {
  const [x, y, width, height] = style.art;
  const art = s("svg", { x, y, width, height, viewBox: "0 0 100 100", preserveAspectRatio: "xMidYMid slice" }, motif(random, colours));
  const [ground, , , , type] = colours;
  const frame = style.name === "plate" && [
    s("rect", { x: 9, y: 9, width: 182, height: 282, fill: "none", stroke: type, "stroke-width": 1.6 }),
    s("rect", { x: 13, y: 13, width: 174, height: 274, fill: "none", stroke: type, "stroke-width": 0.5 }),
  ];
  const rule = style.name === "swiss" && s("rect", { x: 14, y: 14, width: 172, height: 3, fill: type });
  return s("svg", { viewBox: "0 0 200 300", focusable: "false" },
    s("rect", { width: 200, height: 300, fill: ground }), art, frame, rule);
}

/** Letters are dark or light; the two classes hold the colours, for a policy that allows no styles in markup. */
function nameOf(colours) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colours[4].slice(at, at + 2), 16));
  return red + green + blue > 382 ? "dark" : "light";
}

/** The largest size at which the title fits: words are set in lines as the browser will, by average widths. */
function sizeOf(title, serif) {
  const width = (text) => [...text].reduce((sum, character) =>
    sum + (character.codePointAt(0) > 0x2e80 ? 1 : /[iIljt.,:'’ ]/.test(character) ? 0.25 : /[mwMW]/.test(character) ? 0.78 : serif ? 0.43 : 0.62), 0);
  const words = title.split(/(?<=[\s\-/])|(?<=[\u2e80-\uffff])/u);
  const fits = (size) => {
    let lines = 1, line = 0;
    for (const word of words) {
      const wide = width(word) * size;
      if (wide > ROOM.width) return false;
      if (line + wide > ROOM.width) [lines, line] = [lines + 1, 0];
      line += wide;
    }
    return lines * size * (serif ? 0.98 : 1.04) <= ROOM.height;
  };
  const found = SIZES.findIndex(fits);
  return found < 0 ? SIZES.length - 1 : found;
}
