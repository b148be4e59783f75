/** Asks for the API key, and forgets it. */

import { answerKey, currentKey, keepKey, keys } from "../api/key.js";
import { h } from "../core/element.js";
import { announce } from "../core/focus.js";
import { texts } from "../texts.js";

/** Shows the dialog whenever a part of the page asks for a key. */
export function watchKey() {
  keys.addEventListener("wanted", (event) => {
    const { reason } = /** @type {CustomEvent<{reason: string}>} */ (event).detail;
    openDialog(reason);
  });
}

/** Returns the button that forgets the key, shown while there is one. */
export function keyButton() {
  const button = h(
    "button",
    {
      type: "button",
      class: "quiet",
      onclick: () => {
        keepKey(null);
        announce(texts.key.forgotten);
      },
    },
    texts.key.forget,
  );
  const show = () => {
    button.hidden = !currentKey();
  };
  keys.addEventListener("change", show);
  show();
  return button;
}

/** @param {string} reason what the server said */
function openDialog(reason) {
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
