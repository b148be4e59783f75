/** A dialog that asks before something is lost. */

import { h } from "../core/element.js";

let made = 0;

/**
 * What a dialog says.
 * @typedef {object} About
 * @property {string} title
 * @property {string} text
 * @property {string} act the button that does it
 * @property {string} [less] a button that does less of it
 * @property {string} keep the button that does nothing
 */

/**
 * Asks, and resolves with the answer. The keyboard starts on the harmless answer; Escape is that one.
 * @param {About} about
 * @returns {Promise<boolean>}
 */
export async function confirmed(about) {
  return (await chosen(about)) !== "";
}

/**
 * As `confirmed`, and tells which button was pressed: `act`, `less`, or none of them.
 * @param {About} about
 * @returns {Promise<"act" | "less" | "">}
 */
export function chosen({ title, text, act, less, keep }) {
  made += 1;
  const id = `confirm-${made}`;
  return new Promise((resolve) => {
    const close = (/** @type {string} */ answer) => () => dialog.close(answer);
    const button = (/** @type {string} */ answer, /** @type {string} */ name) =>
      h("button", { type: "button", class: "danger", onclick: close(answer) }, name);
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
        less !== undefined && button("less", less),
        button("act", act),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(/** @type {"act" | "less" | ""} */ (dialog.returnValue));
    });
    document.body.append(dialog);
    dialog.showModal();
    no.focus();
  });
}
