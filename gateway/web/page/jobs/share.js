/** A dialog with addresses of a result; with a key in use, it makes a link that works without one. */

import { apiUrl } from "../api/client.js";
import { currentKey } from "../api/key.js";
import { copyButton } from "../components/copy_button.js";
import { problemBox } from "../components/states.js";
import { fill, h } from "../core/element.js";
import { announce } from "../core/focus.js";
import { formatTime } from "../core/format.js";
import { placeHref } from "../core/router.js";
import { jobs as texts } from "../texts/jobs.js";
import { texts as all } from "../texts.js";
import { createLink, outputPath } from "./api.js";

const words = texts.share;

/**
 * Opens the dialog.
 * @param {import("./api.js").Job} job
 */
export function openShare(job) {
  const page = new URL(placeHref(`/jobs/${job.id}`), document.baseURI).href;
  const keyed = currentKey() !== null;
  const dialog = h(
    "dialog",
    { class: "dialog share", "aria-labelledby": "share-title" },
    h("h2", { id: "share-title" }, words.title),
    h("p", null, keyed ? words.lead : words.open),
    keyed
      ? linkMaker(job)
      : address("share-result", words.result, apiUrl(outputPath(job.id, "result")).href),
    address("share-page", words.page, page),
    h(
      "div",
      { class: "actions actions-end" },
      h("button", { type: "button", onclick: () => dialog.close() }, all.frame.close),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {import("./api.js").Job} job */
function linkMaker(job) {
  const place = h("div", { "aria-live": "polite" });
  const select = h(
    "select",
    { id: "share-length" },
    words.lengths.map(([seconds, name]) => h("option", { value: seconds }, name)),
  );
  const make = async () => {
    button.disabled = true;
    try {
      const link = await createLink(job.id, "result", Number(select.value));
      const until = words.until(formatTime(link.expires_at));
      fill(
        place,
        address("share-link", words.link, apiUrl(link.url).href),
        h("p", { class: "hint" }, until),
      );
      announce(until);
    } catch (error) {
      fill(place, problemBox(error));
    } finally {
      button.disabled = false;
    }
  };
  const button = h("button", { type: "button", class: "primary", onclick: make }, words.make);
  return [
    h(
      "div",
      { class: "field" },
      h("label", { for: "share-length" }, words.lasts),
      h("div", { class: "share-row" }, select, button),
    ),
    place,
  ];
}

/**
 * @param {string} id
 * @param {string} label
 * @param {string} url
 */
function address(id, label, url) {
  const input = h("input", {
    id,
    type: "text",
    readonly: true,
    ".value": url,
    onfocus: () => input.select(),
  });
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    h(
      "div",
      { class: "share-row" },
      input,
      copyButton(() => url),
    ),
  );
}
