/** The download of the rejected rows. */

import { apiUrl } from "../api/client.js";
import { currentKey } from "../api/key.js";
import { problemBox } from "../components/states.js";
import { fill, h } from "../core/element.js";
import { jobs as texts } from "../texts/jobs.js";
import { createLink, outputPath } from "./api.js";

/** Seconds for which the link of a download is valid: it has to begin by then. */
const LASTS = 300;

/**
 * Returns what downloads the rejected rows. A browser sends no key with a download, so with a key in
 * use a link is made that needs none.
 * @param {import("./api.js").Job} job
 */
export function rejectsButton(job) {
  const place = h("div");
  const save = async () => {
    fill(place);
    try {
      const path = currentKey()
        ? (await createLink(job.id, "rejects", LASTS)).url
        : outputPath(job.id, "rejects");
      h("a", { href: apiUrl(path, { encoding: "identity" }).href, download: true }).click();
    } catch (error) {
      fill(place, problemBox(error, { title: texts.report.rejectsFailed }));
    }
  };
  return h(
    "div",
    { class: "actions" },
    h("button", { type: "button", onclick: () => void save() }, texts.report.rejects),
    place,
  );
}
