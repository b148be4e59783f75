/** A bar that shows how much is done. */

import { h } from "../core/element.js";

/**
 * Returns a bar.
 * @param {string} label what is in progress, for screen readers
 */
export function progressBar(label) {
  const fillOf = h("div", { class: "progress-fill" });
  const bar = h(
    "div",
    {
      class: "progress",
      role: "progressbar",
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": 100,
    },
    fillOf,
  );
  return {
    element: bar,
    /**
     * Shows a percentage, or with null that something is in progress.
     * @param {number | null} percent 0 to 100
     * @param {string} [text] what a screen reader says instead of the percentage
     */
    show(percent, text) {
      bar.classList.toggle("progress-unknown", percent === null);
      if (percent === null) {
        bar.removeAttribute("aria-valuenow");
        fillOf.style.removeProperty("--share");
      } else {
        const share = Math.min(100, Math.max(0, percent));
        bar.setAttribute("aria-valuenow", String(Math.floor(share)));
        fillOf.style.setProperty("--share", String(share / 100));
      }
      if (text) bar.setAttribute("aria-valuetext", text);
      else bar.removeAttribute("aria-valuetext");
    },
    /** @param {"active" | "paused" | "good" | "bad"} kind its colour */
    mark(kind) {
      bar.dataset.kind = kind;
    },
  };
}
