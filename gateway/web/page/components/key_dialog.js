/** The dialog that asks for the API key. */

import { answerKey, currentKey } from "../api/key.js";
import { h } from "../core/element.js";
import { texts } from "../texts.js";

/**
 * Opens the dialog, which answers the question of `askForKey`.
 * @param {string} reason what the server said
 */
export function openKeyDialog(reason) {
  const refused = Boolean(currentKey());
  const input = h("input", {
    id: "key-input",
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    "aria-describedby": "key-hint",
  });
  const error = h("p", { class: "field-error", role: "alert" }, refused && texts.key.refused);
  const reveal = h("input", {
    type: "checkbox",
    onchange: () => {
      input.type = reveal.checked ? "text" : "password";
    },
  });
  /** @type {string | null} */
  let given = null;
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const value = input.value.trim();
    if (!value) {
      error.textContent = texts.key.missing;
      input.focus();
      return;
    }
    given = value;
    dialog.close();
  };
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "key-title" },
    h(
      "form",
      { novalidate: true, onsubmit: submit },
      h("h2", { id: "key-title" }, texts.key.title),
      h("p", null, refused && reason ? reason : texts.key.lead),
      h(
        "div",
        { class: "field" },
        h("label", { for: "key-input" }, texts.key.label),
        input,
        h("p", { id: "key-hint", class: "hint" }, texts.key.hint),
        error,
      ),
      h("label", { class: "check" }, reveal, texts.key.show),
      h(
        "div",
        { class: "actions actions-end" },
        h("button", { type: "button", onclick: () => dialog.close() }, texts.frame.cancel),
        h("button", { type: "submit", class: "primary" }, texts.key.use),
      ),
    ),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    answerKey(given);
  });
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
}
