/** A notification of the system when a job has ended, only if a person has asked for it. */

import { h } from "../core/element.js";
import { announce } from "../core/focus.js";
import { plain } from "../core/plain.js";
import { jobs as texts } from "../texts/jobs.js";
import { texts as all } from "../texts.js";

const words = texts.job;

/** Jobs whose end a person wants to be notified of, as long as this page is open. @type {Set<string>} */
const wanted = new Set();

/**
 * Returns the button that asks for a notification; null where the browser has none.
 * @param {string} jobId
 */
export function notifyButton(jobId) {
  if (!("Notification" in globalThis) || !isSecureContext) return null;
  const button = h("button", { type: "button", class: "small" }, words.notify);
  const show = (/** @type {string} */ text) => {
    button.textContent = text;
    button.disabled = true;
    announce(text);
  };
  if (wanted.has(jobId)) {
    button.textContent = words.notifyOn;
    button.disabled = true;
  }
  button.addEventListener("click", async () => {
    if ((await Notification.requestPermission()) === "granted") {
      wanted.add(jobId);
      show(words.notifyOn);
    } else {
      show(words.notifyNo);
    }
  });
  return button;
}

/**
 * Tells that a job has ended, if that was asked for.
 * @param {import("./api.js").Job} job
 */
export function notifyEnd({ id, state, filename }) {
  if (!wanted.delete(id)) return;
  /** @type {Record<string, string>} */
  const states = all.states;
  const told = new Notification(words.notifyTitle(states[state] ?? state, plain(filename)), {
    tag: id,
  });
  told.addEventListener("click", () => {
    globalThis.focus();
    told.close();
  });
}
