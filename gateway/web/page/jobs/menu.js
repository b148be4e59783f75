/** A button that opens a few actions beside it. */

import { fill, h } from "../core/element.js";

/**
 * What the menu offers.
 * @typedef {{label: string, run: () => void, danger?: boolean}} Item
 */

let made = 0;

/**
 * Returns the button and its menu. The menu closes by Escape, by a click elsewhere, and when the
 * page is scrolled.
 * @param {string} label of the button, for screen readers
 * @param {() => Item[]} items asked for whenever the menu opens
 */
export function menu(label, items) {
  made += 1;
  const id = `menu-${made}`;
  const list = h("div", { class: "menu", id, popover: "auto" });
  const button = h(
    "button",
    {
      type: "button",
      class: "quiet menu-button",
      "aria-label": label,
      "aria-expanded": "false",
      popovertarget: id,
    },
    h("span", { "aria-hidden": "true" }, "⋯"),
  );
  const close = () => list.hidePopover();
  list.addEventListener("beforetoggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    fill(
      list,
      items().map((item) => entry(item, close)),
    );
  });
  list.addEventListener("toggle", (event) => {
    const open = /** @type {ToggleEvent} */ (event).newState === "open";
    button.setAttribute("aria-expanded", String(open));
    if (!open) {
      removeEventListener("scroll", close, true);
      return;
    }
    place(list, button);
    list.querySelector("button")?.focus({ preventScroll: true });
    addEventListener("scroll", close, { capture: true, once: true });
  });
  return h("div", { class: "menu-place" }, button, list);
}

/**
 * @param {Item} item
 * @param {() => void} close
 */
function entry({ label, run, danger }, close) {
  const act = () => {
    close();
    run();
  };
  return h(
    "button",
    { type: "button", class: danger ? "quiet danger" : "quiet", onclick: act },
    label,
  );
}

/**
 * Puts the menu below the button, or above it where there is no room.
 * @param {HTMLElement} list
 * @param {HTMLElement} button
 */
function place(list, button) {
  const at = button.getBoundingClientRect();
  const size = list.getBoundingClientRect();
  const below = at.bottom + 4 + size.height <= innerHeight;
  const left = Math.max(8, Math.min(at.right - size.width, innerWidth - size.width - 8));
  list.style.setProperty("left", `${left}px`);
  list.style.setProperty(
    "top",
    `${below ? at.bottom + 4 : Math.max(8, at.top - size.height - 4)}px`,
  );
}
