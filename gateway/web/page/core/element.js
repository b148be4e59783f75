/**
 * Makes elements. Text is always set as text: file names and cells are hostile, and are never read
 * as HTML.
 */

/**
 * What an element may contain. Strings and numbers become text; false, null and undefined are left
 * out; lists are flattened.
 * @typedef {Node | string | number | false | null | undefined | Children} Child
 * @typedef {readonly Child[]} Children
 */

/**
 * What `h` sets:
 * - `class`, `id`, `href`, `aria-label`, ...: attributes. `true` sets an empty attribute; false, null
 *   and undefined set none.
 * - `onclick`, `oninput`, `oncsv-start`, ...: functions that listen to the event after `on`.
 * - `.value`, `.job`, ...: properties of the element.
 * - `style`: an object of CSS properties, as `{"--share": "40%"}`.
 * - `data`: an object of `data-` attributes.
 * @typedef {{[name: string]: unknown}} Props
 */

const SVG = "http://www.w3.org/2000/svg";
const ADDRESSES = new Set(["href", "src", "action", "formaction", "xlink:href"]);
const SAFE = new Set(["http:", "https:", "blob:", "data:"]);

/**
 * @typedef {{
 *   <K extends keyof HTMLElementTagNameMap>(tag: K, props?: Props | null, ...children: Child[]):
 *     HTMLElementTagNameMap[K],
 *   (tag: string, props?: Props | null, ...children: Child[]): HTMLElement,
 * }} MakeHtml
 * @typedef {<K extends keyof SVGElementTagNameMap>(
 *   tag: K, props?: Props | null, ...children: Child[]) => SVGElementTagNameMap[K]} MakeSvg
 */

/** Returns a new HTML element: `h("p", {class: "hint"}, "Text")`. @type {MakeHtml} */
export const h = (
  /** @type {string} */ tag,
  /** @type {Props | null | undefined} */ props,
  /** @type {Child[]} */ ...children
) => {
  /** @type {any} */
  const element = document.createElement(tag);
  set(element, props ?? {});
  element.append(...nodes(children));
  return element;
};

/** Returns a new SVG element. @type {MakeSvg} */
export const svg = (tag, props, ...children) => {
  const element = document.createElementNS(SVG, tag);
  set(element, props ?? {});
  element.append(...nodes(children));
  return element;
};

/**
 * Replaces what an element contains.
 * @template {Element | DocumentFragment} T
 * @param {T} parent
 * @param {...Child} children
 * @returns {T} the parent
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...nodes(children));
  return parent;
}

/**
 * Sets attributes, properties and listeners, as `h` does.
 * @param {HTMLElement | SVGElement} element
 * @param {Props} props
 */
export function set(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (name === "style" || name === "data") {
      if (value) setAll(element, name, /** @type {{[name: string]: string | number}} */ (value));
    } else if (name.startsWith(".")) {
      Reflect.set(element, name.slice(1), value);
    } else if (name.startsWith("on")) {
      if (typeof value === "function") {
        element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
      } else if (value) {
        throw new TypeError(`${name} must be a function`);
      }
    } else if (value === false || value === null || value === undefined) {
      element.removeAttribute(name);
    } else {
      element.setAttribute(name, value === true ? "" : checked(name, String(value)));
    }
  }
}

/**
 * @param {HTMLElement | SVGElement} element
 * @param {"style" | "data"} where
 * @param {{[name: string]: string | number}} values
 */
function setAll(element, where, values) {
  for (const [name, value] of Object.entries(values)) {
    if (where === "style") element.style.setProperty(name, String(value));
    else element.dataset[name] = String(value);
  }
}

/**
 * Returns the value of an attribute. Throws for an address that would run a script.
 * @param {string} name
 * @param {string} value
 */
function checked(name, value) {
  if (ADDRESSES.has(name) && !SAFE.has(new URL(value, document.baseURI).protocol)) {
    throw new TypeError(`${name} must not be ${value.slice(0, 40)}`);
  }
  return value;
}

/**
 * @param {Children} children
 * @returns {(Node | string)[]}
 */
function nodes(children) {
  /** @type {(Node | string)[]} */
  const found = [];
  for (const child of children) {
    if (child === false || child === null || child === undefined) continue;
    if (Array.isArray(child)) found.push(...nodes(/** @type {Children} */ (child)));
    else found.push(child instanceof Node ? child : String(child));
  }
  return found;
}
