/** A dialog that asks before something is lost. */

import { h } from "../core/element.js";

let made = 0;

/**
 * Asks, and resolves with the answer. The keyboard starts on the harmless answer; Escape is that one.
 * @param {object} about
 * @param {string} about.title
 * @param {string} about.text
 * @param {string} about.act the button that does it
 * @param {string} about.keep the button that does not
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, act, keep }) {
  made += 1;
  const id = `confirm-${made}`;
  return new Promise((resolve) => {
    const close = (/** @type {string} */ answer) => () => dialog.close(answer);
    const no = h("button", { type: "button", onclick: close("") }, keep);
    const dialog = h(
      "dialog",
      { class: "dialog", "aria-labelledby": id, "aria-describedby": `${id}-text` },
      h("h2", { id }, title),
      h("p", { id: `${id}-text` }, text),
      h(
        "div",
        { class: "actions actions-end" },
        no,
        h("button", { type: "button", class: "danger", onclick: close("yes") }, act),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
    no.focus();
  });
}
