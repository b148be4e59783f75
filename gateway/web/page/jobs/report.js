/** The report of a job in words: what became of its rows, how the file was read, times. */

import { fill, h } from "../core/element.js";
import { formatBytes, formatDuration, formatExactTime, formatTime } from "../core/format.js";
import { jobs as texts } from "../texts/jobs.js";
import { dialectFacts, hasResult, hiddenAttempts } from "./facts.js";
import { rejectsButton } from "./rejects.js";

/** @typedef {import("./api.js").Job} Job */
/** @typedef {import("./api.js").Report} Report */

const words = texts.report;

/**
 * Returns what became of the rows of the file; null if it was not read to its end.
 * @param {Job} job
 */
export function rowsSection(job) {
  const { report } = job;
  if (!report || report.rows_in === null) return null;
  const parts = /** @type {const} */ ([
    ["aggregated", report.rows_aggregated ?? 0],
    ["filtered", report.rows_filtered ?? 0],
    ["rejected", report.rows_rejected ?? 0],
  ]);
  const notes = notesOf(report);
  return h(
    "section",
    { class: "card", "aria-labelledby": "rows-title" },
    h("h2", { id: "rows-title" }, texts.job.rowsTitle),
    h(
      "div",
      { class: "share-bar", "aria-hidden": "true" },
      parts.map(
        ([kind, count]) =>
          count > 0 && h("span", { class: `share-${kind}`, style: { "--share": count } }),
      ),
    ),
    h(
      "p",
      { class: "rows-sum" },
      words.total(report.rows_in),
      parts.map(([kind, count], index) => [
        index === 0 ? " = " : " + ",
        h("span", { class: `rows-part part-${kind}` }, words.parts[kind](count)),
      ]),
    ),
    notes.length > 0 &&
      h(
        "ul",
        { class: "rows-notes" },
        notes.map((note) => h("li", null, note)),
      ),
    Boolean(report.rows_rejected) && hasResult(job) && rejectsButton(job),
    Boolean(report.rejects_omitted) &&
      h("p", { class: "soft small-text" }, words.omitted(report.rejects_omitted ?? 0)),
  );
}

/**
 * Returns what else is worth knowing of the rows.
 * @param {Report} report
 */
export function notesOf(report) {
  const notes = [];
  if (report.rows_padded) notes.push(words.padded(report.rows_padded));
  if (report.rows_truncated) notes.push(words.truncated(report.rows_truncated));
  if (report.rows_of_several_lines) {
    notes.push(words.several(report.rows_of_several_lines, report.most_lines ?? 1));
  }
  if (report.lines_passed_over) notes.push(words.passedOver(report.lines_passed_over));
  if (report.head_start) notes.push(words.headStart(formatBytes(report.head_start)));
  return notes;
}

/**
 * Returns how the file was read; null if that is not known.
 * @param {Job} job
 */
export function fileSection({ report }) {
  if (!report?.dialect) return null;
  return h(
    "section",
    { class: "card", "aria-labelledby": "file-title" },
    h("h2", { id: "file-title" }, texts.job.file),
    factList(dialectFacts(report.dialect)),
  );
}

/**
 * Returns times, memory and attempts, closed at first.
 * @param {Job} job
 */
export function timesSection(job) {
  const { report } = job;
  /** @type {[string, string][]} */
  const facts = [
    [words.id, job.id],
    [words.created, formatExactTime(job.created_at)],
  ];
  if (job.finished_at) facts.push([words.finished, formatExactTime(job.finished_at)]);
  if (report) {
    const { seconds } = words;
    for (const [stage, name] of Object.entries(seconds)) {
      const took = report.seconds[stage];
      if (took !== undefined) facts.push([name, formatDuration(took, { exact: true })]);
    }
    facts.push([words.read, formatBytes(report.bytes_in)]);
    if (report.bytes_decompressed !== null && report.bytes_decompressed !== report.bytes_in) {
      facts.push([words.decompressed, formatBytes(report.bytes_decompressed)]);
    }
    facts.push([words.memory, formatBytes(report.peak_memory)]);
    facts.push([words.scratch, formatBytes(report.peak_scratch)]);
    facts.push([words.engine, `${report.engine} ${report.engine_version}`]);
  }
  return h(
    "details",
    { class: "card" },
    h("summary", null, h("h2", null, texts.job.times)),
    factList(facts),
    job.attempts.length > 0 && attemptsTable(job),
  );
}

/** @param {[string, string][]} facts */
function factList(facts) {
  return h(
    "dl",
    { class: "facts" },
    facts.map(([name, value]) =>
      h("div", null, h("dt", null, name), h("dd", null, h("bdi", null, value))),
    ),
  );
}

/** @param {Job} job */
function attemptsTable(job) {
  const { attemptColumns: names } = words;
  const hidden = hiddenAttempts(job);
  const body = h("tbody");
  for (const { number, outcome, started_at, ended_at, worker, reason } of job.attempts) {
    if (hidden && number === hidden.to + 1) {
      const note = words.attemptsHidden(hidden.from, hidden.to);
      body.append(h("tr", null, h("td", { colspan: "6", class: "soft" }, note)));
    }
    const took = ended_at ? (Date.parse(ended_at) - Date.parse(started_at)) / 1000 : null;
    body.append(
      h(
        "tr",
        null,
        h("td", { class: "number" }, number),
        h("td", null, outcome ? (words.outcomes[outcome] ?? outcome) : words.runs),
        h("td", null, formatTime(started_at)),
        h("td", { class: "number" }, formatDuration(took, { exact: true })),
        h("td", { class: "mono" }, worker),
        h("td", null, h("bdi", null, reason ?? "")),
      ),
    );
  }
  return [
    h("h3", { id: "attempts-title" }, words.attempts),
    h(
      "div",
      { class: "table-scroll", tabindex: "0", role: "region", "aria-labelledby": "attempts-title" },
      fill(
        h("table"),
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            h("th", { scope: "col", class: "number" }, names.number),
            h("th", { scope: "col" }, names.outcome),
            h("th", { scope: "col" }, names.started),
            h("th", { scope: "col", class: "number" }, names.took),
            h("th", { scope: "col" }, names.worker),
            h("th", { scope: "col" }, names.reason),
          ),
        ),
        body,
      ),
    ),
  ];
}
