/** What an inspection says in words: what is wrong, doubtful, or to be declared. */

import { h } from "../core/element.js";
import { formatCount } from "../core/format.js";
import { plain } from "../core/plain.js";
import { inLabels, labelled, sentence } from "../core/wording.js";
import { textsBeforeJob } from "../jobs/warning_texts.js";
import { ask as texts } from "../texts/ask.js";
import { dialect } from "../texts/dialect.js";
import { declare, declared, FIELDS } from "./dialect_fields.js";

/** @typedef {import("./types.js").Inspection} Inspection */
/** @typedef {import("./types.js").Input} Input */

const PREFIX = "input.";
const PROBLEMS = 5;
/** Sheets that have a button; the others are in the list of the field. */
const SHEETS = 8;
const DELIMITER = /set input\.delimiter/;

/** `set input.KEY to VALUE`, once or twice; a value is in quotes unless it is true. */
const REMEDY =
  /set (input\.[a-z_.]+) to ('[^'\\]*'|true)(?: and (input\.[a-z_.]+) to ('[^'\\]*'|true))?(?! or)/;

/**
 * Returns the place of a note's remedy, such as `input.delimiter`; empty if it names none.
 * @param {string} note
 */
export function placeOfNote(note) {
  const found = /set (input\.(?:number\.)?[a-z_]+)/.exec(note)?.[1] ?? "";
  return FIELDS.some(({ key }) => `input.${key}` === found) ? found : "";
}

/**
 * Returns what a note says to declare, if that is one way only; else null.
 * @param {string} note
 * @returns {Input | null}
 */
export function remedyOf(note) {
  const found = REMEDY.exec(note);
  if (!found) return null;
  const [, first = "", value = "", second, other = ""] = found;
  /** @type {Input} */
  const input = {};
  declare(input, first.slice(PREFIX.length), writtenValue(value));
  if (second) declare(input, second.slice(PREFIX.length), writtenValue(other));
  return input;
}

/** @param {string} written */
function writtenValue(written) {
  return written === "true" || written.slice(1, -1);
}

/**
 * Returns the messages about a file.
 * @param {Inspection} inspection
 * @param {object} on
 * @param {(input: Input) => void} on.accept called with what is proposed
 * @param {(header: boolean) => void} on.header called with whether there is a header
 * @param {(place: string) => void} on.go called with the place of a field to correct
 */
export function messages(inspection, { accept, header, go }) {
  if (inspection.input.sheet === null) {
    const sheets = inspection.visible?.length ? inspection.visible : (inspection.sheets ?? []);
    return [
      box(
        "warn",
        texts.notes.sheet,
        h(
          "div",
          { class: "actions" },
          sheets
            .slice(0, SHEETS)
            .map((sheet) =>
              h("button", { type: "button", onclick: () => accept({ sheet }) }, plain(sheet)),
            ),
        ),
      ),
    ];
  }
  if (inspection.error) {
    return [box("bad", texts.notes.unreadable, h("p", null, sentence(inspection.error)))];
  }
  const proposed = inspection.proposal?.input;
  const doubts = inspection.notes.filter((note) => DELIMITER.test(note));
  const notes = otherNotes(inspection);
  const count = notes.length + inspection.warnings.length;
  return [
    proposed &&
      box(
        "info",
        texts.notes.proposal,
        list([...inspection.proposal_reasons.map(sentence), ...settings(proposed)]),
        h(
          "div",
          { class: "actions" },
          h("button", { type: "button", onclick: () => accept(proposed) }, texts.notes.accept),
        ),
      ),
    doubts.map((note) =>
      box(
        "warn",
        texts.notes.delimiter,
        h("p", null, inLabels(note)),
        goButton("input.delimiter", go),
      ),
    ),
    inspection.input.header === null &&
      box(
        "warn",
        texts.notes.header,
        h("p", null, sentence(inspection.header_reason.replace(/: set input\.header.*$/, ""))),
        h(
          "div",
          { class: "actions" },
          h("button", { type: "button", onclick: () => header(true) }, texts.notes.headerYes),
          h("button", { type: "button", onclick: () => header(false) }, texts.notes.headerNo),
        ),
      ),
    count > 0 &&
      box(
        "warn",
        texts.notes.doubts(count),
        h(
          "ul",
          null,
          inspection.warnings.map((warning) => {
            const { title, message, remedy, place } = textsBeforeJob(warning);
            const words = [place ? `${title} (${place}).` : `${title}.`, message, remedy];
            return h("li", null, words.join(" "), " ", settleButton(warning.remedy, accept, go));
          }),
          notes.map((note) => h("li", null, inLabels(note), " ", settleButton(note, accept, go))),
        ),
      ),
    inspection.problem_count > 0 && problems(inspection, go),
    inspection.rows_of_several_lines > 0 &&
      inspection.most_lines > 20 &&
      box(
        "info",
        texts.notes.severalLines(inspection.rows_of_several_lines, inspection.most_lines),
      ),
  ];
}

/**
 * Returns the notes that are neither about the delimiter nor among the warnings.
 * @param {Inspection} inspection
 */
export function otherNotes({ notes, warnings }) {
  const told = (/** @type {string} */ note) =>
    warnings.some(({ message, remedy }) => note.startsWith(message) && note.endsWith(remedy));
  return notes.filter((note) => !DELIMITER.test(note) && !told(note));
}

/**
 * Returns a button that declares what a remedy names, or leads to its field; null if it names none.
 * @param {string} text
 * @param {(input: Input) => void} accept
 * @param {(place: string) => void} go
 */
function settleButton(text, accept, go) {
  const remedy = remedyOf(text);
  if (!remedy) return goButton(placeOfNote(text), go);
  return h(
    "button",
    { type: "button", class: "small", onclick: () => accept(remedy) },
    settings(remedy).join(", "),
  );
}

/**
 * @param {Inspection} inspection
 * @param {(place: string) => void} go
 */
function problems(inspection, go) {
  const shown = inspection.problems.slice(0, PROBLEMS);
  const rest = inspection.problem_count - shown.length;
  return box(
    "bad",
    texts.notes.badRows(formatCount(inspection.problem_count), inspection.problem_count),
    h(
      "ul",
      { class: "ask-problems" },
      shown.map(({ line, column, name, found, expected }) =>
        h(
          "li",
          null,
          h("b", null, texts.notes.where(line, column, name ?? "")),
          " ",
          texts.notes.found(found, labelled(expected)),
        ),
      ),
      rest > 0 && h("li", null, texts.notes.moreProblems(formatCount(rest))),
    ),
    h("p", null, texts.notes.badRowsRemedy, " ", goButton("input.on_bad_row", go)),
  );
}

/**
 * @param {string} place
 * @param {(place: string) => void} go
 */
function goButton(place, go) {
  if (!place) return null;
  const label = dialect.labels[place.slice(PREFIX.length)] ?? place;
  return h(
    "button",
    { type: "button", class: "small", onclick: () => go(place) },
    texts.notes.set(label),
  );
}

/**
 * @param {"bad" | "warn" | "info"} kind
 * @param {string} title
 * @param {...import("../core/element.js").Child} children
 */
function box(kind, title, ...children) {
  return h(
    "div",
    { class: `notice ask-note${kind === "info" ? "" : ` notice-${kind}`}` },
    h("p", { class: "notice-title" }, title),
    children,
  );
}

/** @param {readonly string[]} items */
function list(items) {
  return (
    items.length > 0 &&
    h(
      "ul",
      null,
      items.map((each) => h("li", null, each)),
    )
  );
}

/**
 * Returns what is proposed, in words.
 * @param {Input} input
 */
function settings(input) {
  return FIELDS.flatMap(({ key }) => {
    const value = declared(input, key);
    if (value === undefined || value === false) return [];
    const label = dialect.labels[key] ?? key;
    const words = dialect.values[key]?.[String(value)];
    const shown = Array.isArray(value) ? value.join(", ") : (words ?? String(value));
    return [value === true ? label : `${label}: ${shown}`];
  });
}
