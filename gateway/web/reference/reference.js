/** Shows /openapi.json by Swagger UI, and fits it to this server and its page. */

/** Where the page of the service keeps the API key and the colours (api/key.js, core/theme.js). */
const KEY = "csvmill-key";
const THEME = "csvmill-theme";
/** The scheme of the document that takes an API key. */
const SCHEME = "apiKey";

/** Parts of its page, by their selectors, that are outside of all landmarks. */
const REGIONS = /** @type {const} */ ([
  [".information-container", "About the API"],
  [".scheme-container", "Authorization"],
  [".filter", "Filter"],
]);
/** Headings that follow one of a level that is not the next. */
const LEVELS = /** @type {const} */ ([
  ["h3.opblock-tag", "2"],
  [".models > h4", "2"],
  ["h4.opblock-title", "3"],
]);

/**
 * What is used of Swagger UI.
 * @typedef {{preauthorizeApiKey: (scheme: string, key: string) => unknown}} Shown
 * @typedef {(type: string, props?: object | null, ...children: unknown[]) => unknown} MakeElement
 * @typedef {{React: {createElement: MakeElement}}} System
 * @typedef {(options: object) => Shown} SwaggerUi
 */

/** Parts of Swagger UI that are drawn in another way. */
const plugin = () => ({
  wrapComponents: {
    // A link within a button, which neither the keyboard nor a screen reader can reach.
    DeepLink:
      (/** @type {unknown} */ _original, /** @type {System} */ { React }) =>
      (/** @type {{text: string}} */ { text }) =>
        React.createElement("span", null, text),
    // There is one server: this one.
    ServersContainer: () => () => null,
  },
});

/** What Swagger UI leaves without a name or a role for screen readers. @param {HTMLElement} place */
function mend(place) {
  for (const list of place.querySelectorAll("select:not([aria-label])")) {
    const title = list.closest("label, td, tr, section")?.querySelector("small, h4, .label");
    list.setAttribute("aria-label", title?.textContent || "Choice");
  }
  for (const [selector, name] of REGIONS) {
    for (const region of place.querySelectorAll(`${selector}:not([role])`)) {
      region.setAttribute("role", "region");
      region.setAttribute("aria-label", name);
    }
  }
  for (const [selector, level] of LEVELS) {
    for (const heading of place.querySelectorAll(`${selector}:not([aria-level])`)) {
      heading.setAttribute("role", "heading");
      heading.setAttribute("aria-level", level);
    }
  }
}

function colours() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const chosen = stored(localStorage, THEME);
    const isDark = chosen === "dark" || (chosen !== "light" && dark.matches);
    document.documentElement.classList.toggle("dark-mode", isDark);
  };
  dark.addEventListener("change", apply);
  apply();
}

/**
 * @param {Storage} storage
 * @param {string} name
 */
function stored(storage, name) {
  try {
    return storage.getItem(name);
  } catch {
    return null; // the browser allows no storage
  }
}

async function show() {
  const place = /** @type {HTMLElement} */ (document.getElementById("reference"));
  new MutationObserver(() => mend(place)).observe(place, { childList: true, subtree: true });
  try {
    const answer = await fetch("openapi.json");
    if (!answer.ok) throw new Error(`openapi.json: ${answer.status}`);
    const spec = await answer.json();
    // The server may be below a path prefix.
    spec.servers = [{ url: new URL(".", document.baseURI).href }];
    const make = /** @type {SwaggerUi} */ (Reflect.get(globalThis, "SwaggerUIBundle"));
    /** @type {Shown | null} */
    let shown = null;
    shown = make({
      spec,
      domNode: place,
      plugins: [plugin],
      deepLinking: true,
      docExpansion: "list",
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
      filter: true,
      tryItOutEnabled: false,
      validatorUrl: null,
      onComplete: () => {
        const key = stored(sessionStorage, KEY);
        if (key) shown?.preauthorizeApiKey(SCHEME, key);
      },
    });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    place.textContent = `The description of the API could not be loaded (${text}). Reload the page.`;
  }
}

colours();
await show();

export {};
