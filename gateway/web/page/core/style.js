/** Styles of one part, in `styles/`, which are loaded with it. */

import { backoff, pause } from "./wait.js";

const TRIES = 5;

/** @type {Map<string, Promise<void>>} */
const loaded = new Map();

/**
 * Loads `styles/NAME.css`, unless the page has it. A view waits for it at its top level, with
 * `await needStyle("jobs")`, so that it is never drawn without. (The server finds such calls, and
 * puts the styles of the first view into the HTML.)
 * @param {string} name
 * @returns {Promise<void>} rejected if the styles cannot be loaded, after several tries
 */
export function needStyle(name) {
  const href = new URL(`../styles/${name}.css`, import.meta.url).href;
  const found = loaded.get(href);
  if (found) return found;
  if (document.querySelector(`style[data-parts~="${name}"]`)) return Promise.resolve();
  const promise = load(href);
  loaded.set(href, promise);
  return promise;
}

/** @param {string} href */
async function load(href) {
  for (let failures = 1; ; failures += 1) {
    try {
      await tryOnce(href);
      return;
    } catch (error) {
      if (failures === TRIES) throw error;
      await pause(backoff(failures));
    }
  }
}

/**
 * @param {string} href
 * @returns {Promise<void>}
 */
function tryOnce(href) {
  return new Promise((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    link.addEventListener("load", () => resolve());
    link.addEventListener("error", () => {
      link.remove();
      reject(new Error(`${href} could not be loaded`));
    });
    document.head.append(link);
  });
}
