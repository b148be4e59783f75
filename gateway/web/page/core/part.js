/** The base of the page's elements: a part that starts when it is shown and stops when it is not. */

/**
 * An element that draws itself with `h` into itself, without shadow DOM. A subclass overrides
 * `start`, and passes `this.signal` to listeners and requests: they end with the part.
 */
export class Part extends HTMLElement {
  #stop = new AbortController();

  /** Aborted when the element leaves the document. */
  get signal() {
    return this.#stop.signal;
  }

  connectedCallback() {
    this.#stop = new AbortController();
    this.start();
  }

  disconnectedCallback() {
    this.#stop.abort();
  }

  /** Called each time the element enters the document. */
  start() {
    // A subclass shows something.
  }
}

/**
 * Registers an element once.
 * @param {string} tag
 * @param {CustomElementConstructor} kind
 */
export function define(tag, kind) {
  if (!customElements.get(tag)) customElements.define(tag, kind);
}
