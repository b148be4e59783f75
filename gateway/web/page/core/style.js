/** Styles of one part, in `styles/`, which are loaded with it. */

/** @type {Map<string, Promise<void>>} */
const loaded = new Map();

/**
 * Loads `styles/NAME.css`, unless the page has it. A view waits for it at its top level, with
 * `await needStyle("jobs")`, so that it is never drawn without. (The server finds such calls, and
 * puts the styles of the first view into the HTML.)
 * @param {string} name
 * @returns {Promise<void>} rejected if the styles cannot be loaded
 */
export function needStyle(name) {
  const href = new URL(`../styles/${name}.css`, import.meta.url).href;
  const found = loaded.get(href);
  if (found) return found;
  if (document.querySelector(`style[data-parts~="${name}"]`)) return Promise.resolve();
  const promise = new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    link.addEventListener("load", () => resolve());
    link.addEventListener("error", () => {
      link.remove();
      loaded.delete(href); // the next try loads it again
      reject(new Error(`${name}.css could not be loaded`));
    });
    document.head.append(link);
  });
  loaded.set(href, promise);
  return promise;
}
