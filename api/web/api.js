// Asking the service, with the key where one is needed: JSON and pictures by GET, kept for a minute; and writing.

const KEY = "reelgraph-key";
const KEPT_MS = 60_000, KEPT = 80;
const kept = new Map();
let askForKey = async () => null;

/** What the service, or the way to it, did not do; `detail` is for people to read. */
export class Problem extends Error {
  constructor(title, detail, status = 0) {
    super(detail);
    Object.assign(this, { title, detail, status });
  }
}

/** `ask(why)` brings a key, or null where none is given. It is asked once for all requests that wait. */
export function whenKeyIsNeeded(ask) {
  let asking = null;
  askForKey = (why) => (asking ??= ask(why).finally(() => { asking = null; }));
}

/** An address of the service with these parameters; empty ones are left out, lists are repeated. */
export function address(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== "" && one !== null && one !== undefined) query.append(name, one);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** The scope of a state, as parameters. */
export const scopeOf = ({ catalog, region, on }) => ({ catalog, region, on });

/** What the service answers, as JSON. Throws Problem, or AbortError when `signal` says so. */
export async function get(path, parameters, signal) {
  const url = address(path, parameters);
  const held = kept.get(url);
  if (held && performance.now() - held.at < KEPT_MS) return held.value;
  const value = await (await send(url, signal)).json();
  kept.delete(url);
  kept.set(url, { value, at: performance.now() });
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  return value;
}

/** Writes (POST, PUT or DELETE), after which what was kept under these paths is asked for again. */
export async function write(method, path, body, forgotten = []) {
  const response = await send(path, undefined, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  for (const url of [...kept.keys()]) if (forgotten.some((start) => url.startsWith(start))) kept.delete(url);
  return response.json();
}

/** Asks for another key than the one that is held; whether one was given. `why`: what that one may not. */
export async function changeKey(why) {
  const key = await askForKey(why);
  if (key) {
    sessionStorage.setItem(KEY, key);
    kept.clear();
  }
  return Boolean(key);
}

/** An SVG document of the service, as an element of this page. */
export async function getPicture(path, parameters, signal) {
  const text = await (await send(address(path, parameters), signal)).text();
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  if (parsed.localName !== "svg") throw new Problem("No picture", "The picture that came cannot be read.");
  return document.importNode(parsed, true);
}

async function send(url, signal, options = {}) {
  let key = sessionStorage.getItem(KEY);
  for (;;) {
    const response = await fetchOrProblem(url, signal, key, options);
    if (response.ok) return response;
    const told = await problemOf(response);
    if (response.status !== 401) throw told;
    const fresh = sessionStorage.getItem(KEY); // another request may have brought one meanwhile
    key = fresh && fresh !== key ? fresh : await askForKey(key ? "That key was not accepted." : "");
    if (!key) throw told;
    sessionStorage.setItem(KEY, key);
  }
}

async function fetchOrProblem(url, signal, key, options) {
  const headers = { ...(key ? { Authorization: `Bearer ${key}` } : {}), ...(options.body ? { "Content-Type": "application/json" } : {}) };
  try {
    return await fetch(url, { signal, headers, ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(navigator.onLine ? "No answer" : "You are offline",
      navigator.onLine ? "The service cannot be reached." : "What you see was read before the connection was lost.");
  }
}

/** A problem document (RFC 9457), or the status where there is none. */
async function problemOf(response) {
  try {
    const told = await response.json();
    return new Problem(told.title ?? response.statusText, told.detail ?? "", response.status);
  } catch {
    return new Problem("No answer", `The service answered ${response.status}.`, response.status);
  }
}

/** Cards of these titles by id: kind, years, rating, genres, poster. Ids that the graph does not have are missing. */
export async function cardsOf(ids, signal) {
  const wanted = [...new Set(ids)], parts = [];
  for (let at = 0; at < wanted.length; at += 100) parts.push(get("titles", { id: wanted.slice(at, at + 100) }, signal));
  return new Map((await Promise.all(parts)).flatMap((part) => part.titles).map((card) => [card.id, card]));
}
