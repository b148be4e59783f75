/** A dialog that saves a question under a name, for programs and for other files. */

import { call } from "../api/client.js";
import { asProblem } from "../api/problem.js";
import { toast } from "../components/toast.js";
import { h } from "../core/element.js";
import { isAbort } from "../core/wait.js";
import { ask as texts } from "../texts/ask.js";
import { texts as all } from "../texts.js";

const words = texts.save;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/**
 * Opens the dialog. A spec of the same name is not replaced.
 * @param {import("./types.js").Aggregation} aggregation
 */
export function openSave(aggregation) {
  const input = h("input", {
    id: "save-name",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: 100,
    required: true,
    "aria-describedby": "save-hint",
  });
  const error = h("p", { class: "field-error", role: "alert" });
  const fail = (/** @type {string} */ why) => {
    error.textContent = why;
    input.focus();
  };
  const save = h("button", { type: "submit", class: "primary" }, words.act);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const name = input.value.trim();
    if (!NAME.test(name)) {
      fail(words.malformed);
      return;
    }
    save.disabled = true;
    try {
      const headers = { "If-None-Match": "*" };
      await call("PUT", `api/v1/specs/${name}`, { json: aggregation, headers });
      dialog.close();
      toast(words.saved(name), { kind: "good" });
    } catch (problem) {
      if (isAbort(problem)) return;
      const { status, detail, title } = asProblem(problem);
      fail(status === 412 ? words.taken : detail || title);
    } finally {
      save.disabled = false;
    }
  };
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "save-title" },
    h(
      "form",
      { novalidate: true, onsubmit: (/** @type {Event} */ event) => void submit(event) },
      h("h2", { id: "save-title" }, words.title),
      h("p", null, words.lead),
      h(
        "div",
        { class: "field" },
        h("label", { for: "save-name" }, words.name),
        input,
        h("p", { id: "save-hint", class: "hint" }, words.hint),
        error,
      ),
      h(
        "div",
        { class: "actions actions-end" },
        h("button", { type: "button", onclick: () => dialog.close() }, all.frame.cancel),
        save,
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
}
