/** A button that copies a text. */

import { h } from "../core/element.js";
import { announce } from "../core/focus.js";
import { texts } from "../texts.js";

const SHOWN = 2000;

/**
 * Returns a button that copies what `read` returns when it is pressed.
 * @param {() => string} read
 * @param {{label?: string}} [options]
 */
export function copyButton(read, { label = texts.frame.copy } = {}) {
  let timer = 0;
  const button = h("button", { type: "button", class: "small copy" }, label);
  button.addEventListener("click", async () => {
    const done = await copy(read());
    announce(done ? texts.frame.copied : texts.frame.copyFailed, { urgent: !done });
    button.textContent = done ? texts.frame.copied : texts.frame.copyFailed;
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = label;
    }, SHOWN);
  });
  return button;
}

/** @param {string} text */
async function copy(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyBySelection(text);
    }
  }
  return copyBySelection(text); // without HTTPS there is no clipboard
}

/** @param {string} text */
function copyBySelection(text) {
  const area = h("textarea", { class: "unseen", "aria-hidden": "true", ".value": text });
  const before = document.activeElement;
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}
