// What the page says: kinds, roles, numbers, the status of an answer in plain words.

const KINDS = {
  movie: "Film", short: "Short film", tvMovie: "TV film", tvSeries: "Series", tvMiniSeries: "Mini-series", tvEpisode: "Episode",
  tvSpecial: "TV special", tvShort: "TV short", video: "Video", videoGame: "Game", person: "Person", genre: "Genre", keyword: "Keyword",
};
export const ROLES = {
  DIRECTED: "Directed by", WROTE: "Written by", ACTED_IN: "Cast", COMPOSED: "Music", SHOT: "Cinematography", EDITED: "Editing",
  PRODUCED: "Produced by", DESIGNED: "Production design", CAST: "Casting", SEEN_IN_ARCHIVE: "Archive footage",
};
const PARTS = {
  DIRECTED: "director", WROTE: "writer", ACTED_IN: "cast", COMPOSED: "music", SHOT: "camera", EDITED: "editing", PRODUCED: "producer",
  DESIGNED: "design", CAST: "casting", SEEN_IN_ARCHIVE: "archive footage",
};
const SAID = { watch: "watched", like: "liked", dislike: "not for me", rating: "rated" };

const plain = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

export const number = (value) => plain.format(value);
export const compact = (value) => short.format(value);
export const dayOf = (iso) => day.format(new Date(`${iso}T00:00:00Z`));
export const kindOf = (kind) => KINDS[kind] ?? kind ?? "";
export const partOf = (role) => PARTS[role] ?? role.toLowerCase();
export const many = (count, one, more = `${one}s`) => `${number(count)} ${count === 1 ? one : more}`;
export const isNamed = (hit) => "titles" in hit;

/** The years of a title: 1995, or 2008–2013 of a series. */
export const yearsOf = (card) => (card.end_year && card.end_year !== card.start_year ? `${card.start_year}–${card.end_year}` : `${card.start_year ?? ""}`);

/** Minutes as hours and minutes. */
export const lengthOf = (minutes) => (minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60 ? `${minutes % 60} min` : ""}`.trim());

/** The status in plain words: what is so, and what follows below (empty where nothing does). */
export function statusOf(answer, hit, offered) {
  const place = answer.catalog ? "this catalog" : "any catalog";
  if (answer.status === "unknown") return ["Nothing of that name is known.", ""];
  if (answer.bare) return ["No catalog is loaded, so nothing can be offered.", ""];
  if (isNamed(hit)) return namedStatus(hit, answer.catalog ? "in this catalog" : "in a catalog", place);
  if (hit.available) return [answer.catalog ? "In this catalog." : "In a catalog.", offered ? "Close to it, and there too:" : ""];
  const closest = offered ? "Closest you have:" : "Nothing is offered there on that day.";
  if (hit.in_catalog) return [`In ${place}, but not ${answer.region ? `in ${answer.region} ` : ""}on ${dayOf(answer.on)}.`.replace("any", "a"), closest];
  return [`Not in ${place}.`, closest];
}

function namedStatus(hit, there, place) {
  const what = { person: "A person", genre: "A genre", keyword: "A keyword" }[hit.kind] ?? "A name";
  if (hit.available) return [`${what}.`, hit.titles.length ? `Titles ${there}:` : ""];
  if (!hit.nearest.length) return [`${what}, without a title in ${place}.`, ""];
  const names = hit.nearest.slice(0, 3).map((near) => near.name).join(", ");
  return [`${what}, without a title in ${place}.`, `Closest you have, by ${names}:`];
}

/** A reason in few words: without ", like Toy Story", which all reasons of one list would repeat. */
export const reasonOf = (evidence, asked) => (asked ? evidence.text.replace(`, like ${asked}`, "") : evidence.text);

/** What somebody said of a title, with what they gave: "rated 4.5, watched". */
export const saidOf = (types) => [...types.values()].map(({ type, value }) => {
  const given = value !== null && (type === "rating" || (value !== 0 && value !== 1)); // of other types these say yes or no
  return `${SAID[type] ?? type.replaceAll("_", " ")}${given ? ` ${number(value)}` : ""}`;
}).join(", ");

/** How likely the best substitute is a good one, in words: poor below one time in four, good from one in two. */
export const standIn = (value) => (value >= 0.5 ? "good" : value >= 0.25 ? "fair" : "poor");

/** By which name a title was found, where that is not the one it is shown by. */
export function foundBy(match, title) {
  if (match.type === "id" || match.text === title) return "";
  const where = match.region ? ` in ${match.region}` : match.language ? ` in ${match.language}` : "";
  return match.type === "original" ? `Original title: ${match.text}` : `Also called “${match.text}”${where}`;
}
