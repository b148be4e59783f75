/** Why a job has no result, or no longer has it, and what to do. */

import { h } from "../core/element.js";
import { formatAgo } from "../core/format.js";
import { labelled } from "../core/wording.js";
import { jobs as texts } from "../texts/jobs.js";
import { runWithoutBadRows } from "./actions.js";
import { remedyFor } from "./facts.js";

/** @typedef {import("./api.js").Job} Job */

const words = texts.ended;

/**
 * Returns a notice about a job that has ended without a result or has lost it; null if it has one.
 * @param {Job} job
 */
export function endedNotice(job) {
  if (job.state === "FAILURE") return failure(job);
  if (job.state === "REVOKED") return notice("", words.revoked, words.revokedText);
  if (job.state === "SUCCESS" && job.expired_at) {
    return notice("", words.expired, words.expiredText(formatAgo(job.expired_at)));
  }
  if (job.state === "SUCCESS" && job.result_deleted_at) {
    return notice("", words.deleted, words.deletedText(formatAgo(job.result_deleted_at)));
  }
  return null;
}

/** @param {Job} job */
function failure(job) {
  const count = job.problem_count ?? job.problems.length;
  const byWarning = /^on_warning is/.test(job.reason ?? "");
  const remedy = count ? words.correct : remedyFor(job.reason);
  return notice(
    "notice-bad",
    words.failed,
    count > 0 && words.byProblems(count),
    byWarning && words.byWarning,
    // The table of bad rows says what the reason says of the first one.
    job.reason && job.problems.length === 0 && h("p", { class: "reason" }, labelled(job.reason)),
    remedy,
    job.expired_at && words.failedExpired,
    count > 0 &&
      job.aggregation?.input?.on_bad_row !== "skip" &&
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: () => void runWithoutBadRows(job) }, words.skip),
      ),
  );
}

/**
 * @param {string} kind
 * @param {string} title
 * @param {...(Element | string | false | null | undefined)} parts
 */
function notice(kind, title, ...parts) {
  return h(
    "div",
    { class: `notice ${kind}`.trim() },
    h("h2", { class: "notice-title" }, title),
    parts.map((part) => (typeof part === "string" && part ? h("p", null, part) : part || null)),
  );
}
