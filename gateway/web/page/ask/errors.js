/** Errors of the question, shown at the controls that they are about. */

import { h } from "../core/element.js";
import { unfold } from "../core/focus.js";
import { idOf } from "./controls.js";
import { around } from "./places.js";

/**
 * Shows an error at the control of a place, or of what contains it.
 * @param {HTMLElement} root
 * @param {string} place
 * @param {string} message
 */
export function failAt(root, place, message) {
  for (const each of around(place)) {
    // An error of a whole condition is about its value.
    const control =
      document.getElementById(idOf(each)) ?? document.getElementById(idOf(`${each}.value`));
    const row = root.querySelector(`[data-place="${CSS.escape(each)}"]`);
    const target = control && root.contains(control) ? control : row;
    if (!target || !root.contains(target)) continue;
    const id = "ask-error";
    const error = h("p", { class: "field-error", id }, message);
    const home =
      target.closest(".ask-row, .ask-dialect-field, .ask-section, .ask-output") ?? target;
    home.append(error);
    const focusable = target.matches("input, select, textarea");
    if (focusable) {
      target.setAttribute("aria-invalid", "true");
      target.setAttribute("aria-describedby", id);
    }
    unfold(target);
    return true;
  }
  return false;
}

/** @param {HTMLElement} root */
export function clearErrors(root) {
  for (const each of root.querySelectorAll(".field-error")) each.remove();
  for (const each of root.querySelectorAll('[aria-describedby="ask-error"]')) {
    each.removeAttribute("aria-invalid");
    each.removeAttribute("aria-describedby");
  }
}
