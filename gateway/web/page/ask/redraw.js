/** Draws a part again without losing the focus. */

import { fill } from "../core/element.js";

/**
 * Replaces what an element contains. What was focused is focused again, found by its id, and text
 * stays selected; if it is gone, `instead` is focused.
 * @param {HTMLElement} parent
 * @param {readonly import("../core/element.js").Child[]} children
 * @param {{instead?: string}} [options] the id of another control
 */
export function redraw(parent, children, { instead = "" } = {}) {
  const focused = document.activeElement;
  const inside = focused instanceof HTMLElement && parent.contains(focused) ? focused : null;
  const selection = inside instanceof HTMLInputElement && isText(inside) ? inside : null;
  const [start, end] = selection
    ? [selection.selectionStart, selection.selectionEnd]
    : [null, null];
  fill(parent, ...children);
  if (!inside) return;
  const again =
    (inside.id && document.getElementById(inside.id)) || document.getElementById(instead);
  again?.focus({ preventScroll: true });
  if (again instanceof HTMLInputElement && isText(again) && start !== null) {
    again.setSelectionRange(start, end);
  }
}

/** @param {HTMLInputElement} input */
function isText(input) {
  return input.type === "text" || input.type === "search";
}
