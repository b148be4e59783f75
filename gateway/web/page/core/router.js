/**
 * Which view is shown, and with which query: both are in the fragment of the URL, as
 * `#/jobs?state=FAILURE`. So every view can be shared, and no server sees them.
 */

/**
 * Where the page is.
 * @typedef {object} Place
 * @property {string} path as `/jobs`; `/` at the start
 * @property {URLSearchParams} query
 */

/**
 * Returns the place that a fragment names.
 * @param {string} fragment as `#/jobs?state=FAILURE`; may be empty
 * @returns {Place}
 */
export function parsePlace(fragment) {
  const text = fragment.replace(/^#/, "");
  const mark = text.indexOf("?");
  const path = mark < 0 ? text : text.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? "" : text.slice(mark + 1));
  return { path: path.startsWith("/") ? path.replace(/(?<=.)\/+$/, "") : "/", query };
}

/**
 * Returns the `href` of a place.
 * @param {string} path as `/jobs`
 * @param {URLSearchParams | Record<string, string>} [query]
 */
export function placeHref(path, query) {
  const text = new URLSearchParams(query ?? {}).toString();
  return `#${path}${text && `?${text}`}`;
}

/**
 * Returns the values of the path's parameters if the path fits the pattern, else null.
 * @param {string} pattern as `/jobs/:id`
 * @param {string} path
 * @returns {Record<string, string> | null}
 */
export function matchPath(pattern, path) {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return null;
  /** @type {Record<string, string>} */
  const found = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? "";
    if (part.startsWith(":")) {
      if (!value) return null;
      try {
        found[part.slice(1)] = decodeURIComponent(value);
      } catch {
        return null; // a malformed escape names nothing
      }
    } else if (part !== value) {
      return null;
    }
  }
  return found;
}

/** Returns the place where the page is now. */
export function currentPlace() {
  return parsePlace(location.hash);
}

/**
 * Goes to another place.
 * @param {string} path as `/jobs`
 * @param {{query?: URLSearchParams | Record<string, string>, replace?: boolean}} [options]
 *   with `replace`, Back does not return to the present place
 */
export function navigate(path, { query, replace = false } = {}) {
  const href = placeHref(path, query);
  if (!replace) {
    location.hash = href;
    return;
  }
  const before = location.href;
  history.replaceState(history.state, "", href);
  if (location.href !== before) dispatchEvent(new HashChangeEvent("hashchange"));
}

/**
 * Notes a query in the URL without showing the view again, as for a question that is being put
 * together.
 * @param {URLSearchParams | Record<string, string>} query
 */
export function noteQuery(query) {
  history.replaceState(history.state, "", placeHref(currentPlace().path, query));
}

/**
 * Calls the listener with each new place.
 * @param {(place: Place) => void} listener
 * @param {AbortSignal} [signal] ends it
 */
export function onPlace(listener, signal) {
  addEventListener("hashchange", () => listener(currentPlace()), signal ? { signal } : {});
}
