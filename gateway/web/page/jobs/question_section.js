/** What a job was asked, as JSON to copy. */

import { copyButton } from "../components/copy_button.js";
import { h } from "../core/element.js";
import { jobs as texts } from "../texts/jobs.js";

/**
 * Returns the section; null if the question is not known.
 * @param {import("./api.js").Job} job
 */
export function questionSection({ aggregation }) {
  if (!aggregation) return null;
  const json = JSON.stringify(aggregation, null, 2);
  return h(
    "details",
    { class: "card" },
    h("summary", null, h("h2", null, texts.job.spec)),
    h(
      "div",
      { class: "spec" },
      h("pre", { tabindex: "0", role: "region", "aria-label": texts.job.spec }, json),
      copyButton(() => json),
    ),
  );
}
