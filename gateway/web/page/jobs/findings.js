/** What a job has found in its file: warnings, and rows that could not be read. */

import { h } from "../core/element.js";
import { formatCount } from "../core/format.js";
import { plain } from "../core/plain.js";
import { labelled } from "../core/wording.js";
import { jobs as texts } from "../texts/jobs.js";
import { warnings as words } from "../texts/warnings.js";
import { runAgain } from "./actions.js";
import { grouped } from "./facts.js";
import { warningTexts } from "./warning_texts.js";

/** @typedef {import("./api.js").Job} Job */
/** @typedef {import("./api.js").FileWarning} FileWarning */

/** Warnings that are shown before a person asks for the others. */
const OPEN = 3;
/**
 * Returns the warnings of a job; null if there are none.
 * @param {Job} job
 */
export function warningsSection(job) {
  const found = job.report?.warnings ?? [];
  if (found.length === 0) return null;
  return h(
    "details",
    { class: "card warnings", open: found.length <= OPEN },
    h("summary", null, h("h2", null, words.heading(found.length))),
    h("p", { class: "soft" }, words.lead),
    h("ul", { class: "warnings-list" }, found.map(warning)),
    job.aggregation &&
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: () => runAgain(job) }, words.again),
      ),
  );
}

/** @param {FileWarning} found */
function warning(found) {
  const { title, message, remedy, place } = warningTexts(found);
  return h(
    "li",
    { class: "warning", data: { kind: found.kind } },
    h("h3", null, title, place && h("span", { class: "warning-place" }, place)),
    h("p", null, message),
    remedy && h("p", { class: "warning-remedy" }, remedy),
  );
}

/**
 * Returns the rows that could not be read; null if there are none.
 * @param {Job} job
 */
export function problemsSection({ problems, problem_count }) {
  if (problems.length === 0) return null;
  const all = problem_count ?? problems.length;
  const { report } = texts;
  const head = (/** @type {string} */ name, /** @type {string} */ kind) =>
    h("th", { role: "columnheader", scope: "col", class: kind }, name);
  return h(
    "section",
    { class: "card" },
    h("h2", { id: "problems-title" }, report.problems),
    all > problems.length && h("p", { class: "soft" }, report.problemsShown(problems.length, all)),
    h(
      "div",
      { class: "table-scroll", tabindex: "0", role: "region", "aria-labelledby": "problems-title" },
      h(
        "table",
        { class: "problems", role: "table" },
        h(
          "thead",
          { role: "rowgroup" },
          h(
            "tr",
            { role: "row" },
            head(report.columns.line, "number"),
            head(report.columns.column, ""),
            head(report.columns.found, ""),
            head(report.columns.expected, ""),
          ),
        ),
        h("tbody", { role: "rowgroup" }, grouped(problems).map(problemRow)),
      ),
    ),
  );
}

/** @param {import("./facts.js").ProblemGroup} group */
function problemRow({ problem, last, count }) {
  const { line, column, name, found, expected } = problem;
  const { report } = texts;
  const place =
    column === null ? report.wholeRow : report.columnName(column, name ? plain(name) : null);
  const lines =
    count === 1 ? formatCount(line) : report.lines(formatCount(line), formatCount(last), count);
  const where = problem.file ? `${plain(problem.file)}: ${lines}` : lines;
  const cell = (
    /** @type {string} */ kind,
    /** @type {string} */ label,
    /** @type {string} */ text,
  ) => h("td", { role: "cell", class: kind, data: { label } }, h("bdi", null, text));
  return h(
    "tr",
    { role: "row" },
    cell("number", report.columns.line, where),
    cell("", report.columns.column, place),
    cell("found", report.columns.found, plain(found)),
    cell("", report.columns.expected, labelled(expected)),
  );
}
