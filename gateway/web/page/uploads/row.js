/** One file that the service has. */

import { h } from "../core/element.js";
import { formatAgo, formatBytes, formatExactTime, formatTime } from "../core/format.js";
import { plain } from "../core/plain.js";
import { stored as texts } from "../texts/stored.js";

/** @typedef {import("./api.js").StoredUpload} StoredUpload */

/** Jobs that are linked. */
const JOBS = 3;

/**
 * @param {StoredUpload} upload
 * @param {object} on
 * @param {(keep: boolean) => void} on.keep
 * @param {() => void} on.remove
 */
export function uploadRow(upload, { keep, remove }) {
  const { id, name, size, created_at, jobs } = upload;
  const shown = plain(name);
  const title = h("h2", { class: "stored-name" }, h("bdi", null, shown));
  const box = h("input", {
    type: "checkbox",
    ".checked": upload.keep,
    "aria-label": texts.keepOf(shown),
    onchange: () => keep(box.checked),
  });
  return h(
    "li",
    { class: "stored card", data: { id } },
    h(
      "div",
      { class: "stored-facts" },
      title,
      h(
        "p",
        { class: "soft small-text" },
        `${formatBytes(size)} · `,
        h(
          "time",
          { datetime: created_at, title: formatExactTime(created_at) },
          formatAgo(created_at),
        ),
        ` · ${texts.until(upload.keep, upload.expires_at && formatTime(upload.expires_at))}`,
      ),
      jobs.length > 0 &&
        h(
          "p",
          { class: "small-text" },
          texts.jobs(jobs.length),
          jobs
            .slice(0, JOBS)
            .map((job, i) => [
              " ",
              h(
                "a",
                { href: `#/jobs/${job}`, "aria-label": texts.jobOf(i + 1, shown) },
                texts.job(i + 1),
              ),
            ]),
        ),
    ),
    h("label", { class: "check stored-keep", title: texts.keepHint }, box, texts.keep),
    h(
      "div",
      { class: "actions" },
      h(
        "a",
        { class: "button", href: `#/ask/${id}`, "aria-label": texts.askOf(shown) },
        texts.askAgain,
      ),
      h(
        "button",
        {
          type: "button",
          class: "quiet danger",
          "aria-label": texts.removeOf(shown),
          onclick: remove,
        },
        texts.remove,
      ),
    ),
  );
}
