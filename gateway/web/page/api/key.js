/**
 * The API key, which the browser keeps as long as the tab is open (sessionStorage), and never in a
 * URL. Other parts ask for it here; the key dialog answers.
 */

const KEY = "csvmill-key";

/** Dispatches `change` when the key changes, and `wanted` when a person has to be asked for one. */
export const keys = new EventTarget();

/** @type {{promise: Promise<boolean>, resolve: (given: boolean) => void} | null} */
let asking = null;
/** Where sessionStorage is not allowed, the key is kept until the page is left. @type {string | null} */
let kept = null;

/** A key that is kept nowhere; undefined unless a client uses one. @type {string | null | undefined} */
let own;

/**
 * Uses a key, or none, and keeps it nowhere: for other pages than that of the service.
 * @param {string | null} key
 */
export function useKey(key) {
  own = key;
}

/** Returns the key; null if there is none. */
export function currentKey() {
  if (own !== undefined) return own;
  try {
    return sessionStorage.getItem(KEY) ?? kept;
  } catch {
    return kept;
  }
}

/**
 * Keeps a key; forgets it with null.
 * @param {string | null} key
 */
export function keepKey(key) {
  kept = key;
  try {
    if (key) sessionStorage.setItem(KEY, key);
    else sessionStorage.removeItem(KEY);
  } catch {
    kept = key; // the page alone keeps it
  }
  keys.dispatchEvent(new Event("change"));
}

/**
 * Asks for a key. Several requests that need one ask once.
 * @param {string} [reason] what the server said
 * @returns {Promise<boolean>} whether one was given
 */
export function askForKey(reason = "") {
  if (!asking) {
    /** @type {(given: boolean) => void} */
    let resolve = () => undefined;
    const promise = new Promise((/** @type {(given: boolean) => void} */ done) => {
      resolve = done;
    });
    asking = { promise, resolve };
    keys.dispatchEvent(new CustomEvent("wanted", { detail: { reason } }));
  }
  return asking.promise;
}

/**
 * Ends the question: with a key, or with null if none was given.
 * @param {string | null} key
 * @param {{given?: boolean}} [options] `given`: a key was given in another way
 */
export function answerKey(key, { given = false } = {}) {
  if (key) keepKey(key);
  asking?.resolve(given || Boolean(key));
  asking = null;
}
