/** What is known of a job, as texts and numbers: no elements, no requests. */

import { jobs as texts } from "../texts/jobs.js";

/** @typedef {import("./api.js").Job} Job */

const ENDED = new Set(["SUCCESS", "FAILURE", "REVOKED"]);

/** Whether a job in this state has ended. @param {string} state */
export function hasEnded(state) {
  return ENDED.has(state);
}

/**
 * Where a job that has not ended stands.
 * @param {Pick<Job, "state" | "progress">} job
 * @returns {"waiting" | "starting" | "reading" | "writing" | "retry"}
 */
export function stageOf({ state, progress }) {
  if (state === "RETRY") return "retry";
  if (state !== "STARTED") return "waiting";
  if (!progress || progress.bytes_done === 0) return "starting";
  return progress.bytes_done >= progress.bytes_total ? "writing" : "reading";
}

/**
 * Seconds from the creation of a job to its end, or until now.
 * @param {Pick<Job, "created_at" | "finished_at">} job
 * @param {number} [now] milliseconds
 */
export function secondsOf({ created_at, finished_at }, now = Date.now()) {
  const end = finished_at ? Date.parse(finished_at) : now;
  return Math.max(0, (end - Date.parse(created_at)) / 1000);
}

/**
 * Whether the result of a job can be downloaded.
 * @param {Pick<Job, "state" | "expired_at" | "result_deleted_at">} job
 */
export function hasResult({ state, expired_at, result_deleted_at }) {
  return state === "SUCCESS" && !expired_at && !result_deleted_at;
}

/**
 * What can be done with a job. `ask` is another question about its files, which the service has, and
 * `again` the same question about a file that is sent.
 * @typedef {"cancel" | "retry" | "share" | "ask" | "again" | "delete"} Action
 */

/**
 * Returns the ids of the uploads of a job that has ended, if the service still has them.
 * @param {Pick<Job, "state" | "expired_at" | "inputs">} job
 * @returns {string[]}
 */
export function keptUploads({ state, expired_at, inputs }) {
  if (expired_at || (state !== "SUCCESS" && state !== "FAILURE")) return [];
  return inputs.map(({ upload_id }) => upload_id);
}

/**
 * Returns what can be done with a job.
 * @param {Pick<Job, "state" | "expired_at" | "result_deleted_at" | "aggregation" | "problem_count" | "inputs">} job
 * @returns {Action[]}
 */
export function actionsOf(job) {
  const { state, expired_at, aggregation, problem_count } = job;
  /** @type {Action[]} */
  const found = [];
  if (!hasEnded(state)) found.push("cancel");
  // Bad rows stay bad: another attempt would fail again.
  if (state === "FAILURE" && !expired_at && !problem_count) found.push("retry");
  if (hasResult(job)) found.push("share");
  if (keptUploads(job).length > 0) found.push("ask");
  else if (hasEnded(state) && aggregation) found.push("again");
  if (["SUCCESS", "FAILURE"].includes(state) && !expired_at) found.push("delete");
  return found;
}

/**
 * What to do about a failure that no row of the file has caused.
 * @param {string | null} reason
 */
export function remedyFor(reason) {
  const found = texts.ended.remedies.find(([pattern]) => pattern.test(reason ?? ""));
  return found ? found[1] : "";
}

/**
 * Returns the question of a job, changed so that bad rows are left out.
 * @param {import("./api.js").Json} aggregation
 */
export function skippingBadRows(aggregation) {
  return { ...aggregation, input: { ...aggregation.input, on_bad_row: "skip" } };
}

/**
 * Rows of a file with the same problem, one after the other.
 * @typedef {object} ProblemGroup
 * @property {import("./api.js").FileProblem} problem that of the first row
 * @property {number} last the line of the last row
 * @property {number} count how many rows
 */

/**
 * Returns problems, those together that follow each other and are the same but for their lines.
 * @param {readonly import("./api.js").FileProblem[]} problems
 * @returns {ProblemGroup[]}
 */
export function grouped(problems) {
  /** @type {ProblemGroup[]} */
  const groups = [];
  for (const problem of problems) {
    const group = groups.at(-1);
    if (group && same(group.problem, problem)) {
      group.last = problem.line;
      group.count += 1;
    } else {
      groups.push({ problem, last: problem.line, count: 1 });
    }
  }
  return groups;
}

/**
 * @param {import("./api.js").FileProblem} one
 * @param {import("./api.js").FileProblem} other
 */
function same(one, other) {
  return (
    one.file === other.file &&
    one.column === other.column &&
    one.found === other.found &&
    one.expected === other.expected
  );
}

/**
 * Returns how a file was read, as pairs of a name and a text.
 * @param {import("./api.js").Json} dialect
 * @returns {[string, string][]}
 */
export function dialectFacts(dialect) {
  const { dialect: names, delimiters, lineEnds, dates, none } = texts.report;
  const ends = Array.isArray(dialect.line_ends) ? dialect.line_ends : [dialect.line_end];
  const shown = (/** @type {unknown} */ sign) =>
    sign ? `${delimiters[String(sign)] ?? sign}` : none;
  /** @type {[string, string][]} */
  const found = [
    [names.encoding, String(dialect.encoding ?? "").toUpperCase()],
    [names.delimiter, shown(dialect.delimiter)],
    [names.quote, dialect.quote || none],
    [names.header, dialect.header ? texts.report.header : texts.report.noHeader],
    [names.lineEnds, ends.map((each) => lineEnds[each] ?? String(each)).join(", ")],
    [names.decimal, shown(dialect.decimal)],
  ];
  if (dialect.escape) found.push([names.escape, String(dialect.escape)]);
  if (dialect.thousands) found.push([names.thousands, shown(dialect.thousands)]);
  if (dialect.compression && dialect.compression !== "none") {
    found.push([names.compression, String(dialect.compression)]);
  }
  if (dialect.date) found.push([names.date, dates[dialect.date] ?? String(dialect.date)]);
  const nulls = Array.isArray(dialect.null) ? dialect.null : [];
  if (nulls.length) found.push([names.null, nulls.join(", ")]);
  const around = decorations(dialect.number);
  if (around.length) found.push([names.number, around.join(", ")]);
  return found;
}

/** @param {import("./api.js").Json | undefined} number */
function decorations(number) {
  const { currency, percent, parentheses } = texts.report;
  return [
    number?.currency && currency,
    number?.percent && percent,
    number?.parentheses === "negative" && parentheses,
  ].filter(Boolean);
}

/**
 * Returns the attempts that the service leaves out, as the numbers of the first and the last one.
 * @param {Pick<Job, "attempts">} job
 * @returns {{from: number, to: number} | null}
 */
export function hiddenAttempts({ attempts }) {
  for (const [index, { number }] of attempts.entries()) {
    const before = attempts[index - 1]?.number ?? 0;
    if (number > before + 1) return { from: before + 1, to: number - 1 };
  }
  return null;
}
