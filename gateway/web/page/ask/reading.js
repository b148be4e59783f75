/** Reads the start of a file by the service, again for each change; the last answer counts. */

import { callJson } from "../api/client.js";
import { isAbort, pause } from "../core/wait.js";
import { ask as texts } from "../texts/ask.js";
import { aggregationOf, asksNothing } from "./question.js";

/** @typedef {import("./types.js").Aggregation} Aggregation */
/** @typedef {import("./types.js").Input} Input */
/** @typedef {import("./types.js").Inspection} Inspection */
/** @typedef {import("./types.js").Question} Question */

const PATH = "api/v1/inspections";
/** Bytes of the sample, which the service does not exceed. */
const SAMPLE = 1 << 20;
/** Bytes that are enough to judge a question, if sending takes long. */
const SHORT_SAMPLE = 64 << 10;
/** Milliseconds of a slow answer. */
const SLOW = 700;
/** Milliseconds without a change before the service is asked. */
const DELAY = 250;

/** Keys of `input` that say nothing about the CSV of a sheet, or that it always has. */
const NOT_OF_SHEETS = [
  "sheet",
  "compression",
  "delimiter",
  "quote",
  "escape",
  "encoding",
  "line_end",
];
const OF_SHEETS = Object.freeze({ delimiter: ",", quote: '"', encoding: "utf-8" });
const BEGIN_OF_ZIP = "PK\u0003\u0004";

/**
 * Asks the service how a file is read. Of a workbook it gets the start of a sheet as CSV, since it reads
 * workbooks only when it has all of them.
 * @param {File} file
 * @param {object} options
 * @param {Aggregation | null} options.aggregation tried on the file
 * @param {number} [options.length] bytes that are sent
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<Inspection>}
 */
export async function inspectFile(file, { aggregation, length = SAMPLE, signal }) {
  const start = await file.slice(0, BEGIN_OF_ZIP.length).text();
  const book = start === BEGIN_OF_ZIP ? await workbookOf(file) : null;
  if (book) return inspectWorkbook(book, { aggregation, length, signal });
  // Read now: a file that has been removed is then an error of its own.
  const sample = new Blob([await file.slice(0, length).arrayBuffer()]);
  return inspectSample(sample, { aggregation, size: file.size, signal });
}

/**
 * @param {Blob} sample
 * @param {{aggregation: Aggregation | null, size: number, signal: AbortSignal | undefined}} options
 *   `size` is the bytes of the whole file
 * @returns {Promise<Inspection>}
 */
async function inspectSample(sample, { aggregation, size, signal }) {
  const form = new FormData();
  if (aggregation) form.set("aggregation", JSON.stringify(aggregation));
  form.set("size", String(size));
  form.set("file", sample, "sample");
  return callJson("POST", PATH, { body: form, ...(signal ? { signal } : {}) });
}

/** Files that were read as workbooks: a question is tried on one again and again. */
const workbooks = new WeakMap();

/**
 * Returns a workbook; null for what the service is to judge.
 * @param {File} file
 * @returns {Promise<import("./workbook.js").Workbook | null>}
 */
async function workbookOf(file) {
  const { Workbook } = await import("./workbook.js");
  const known = workbooks.get(file);
  if (known) return known;
  try {
    const book = await Workbook.of(file);
    if (book) workbooks.set(file, book);
    return book;
  } catch (error) {
    if (error instanceof TypeError) return null; // damaged
    throw error;
  }
}

/**
 * @param {import("./workbook.js").Workbook} book
 * @param {{aggregation: Aggregation | null, length: number, signal: AbortSignal | undefined}} options
 * @returns {Promise<Inspection>}
 */
async function inspectWorkbook(book, { aggregation, length, signal }) {
  const input = aggregation?.input ?? {};
  const sheet = book.sheet(input.sheet);
  const sheets = book.sheets.map(({ name }) => name);
  const visible = book.sheets.filter((each) => each.visible).map(({ name }) => name);
  if (!sheet) return { ...UNDECIDED, input: { compression: "xlsx", sheet: null }, sheets, visible };
  const decimal = typeof input.decimal === "string" ? input.decimal : ".";
  const { text, whole } = await book.start(sheet, { decimal, limit: length });
  const sample = new Blob([text]);
  const found = await inspectSample(sample, {
    aggregation: {
      ...(aggregation ?? { group_by: [1] }),
      input: { ...ofSheet(input), ...OF_SHEETS },
    },
    size: sample.size + (whole ? 0 : 1),
    signal,
  });
  const read = { ...found.input, compression: "xlsx", sheet: sheet.name };
  const proposed = found.proposal?.input;
  const proposal = proposed ? { ...found.proposal, input: ofSheet(proposed) } : found.proposal;
  return { ...found, input: read, proposal, sheets, visible, default_fits: false };
}

/**
 * Returns what is declared of a sheet as if it were CSV.
 * @param {Input} input
 * @returns {Input}
 */
function ofSheet(input) {
  return Object.fromEntries(Object.entries(input).filter(([key]) => !NOT_OF_SHEETS.includes(key)));
}

/** What is known of a workbook before its sheet is chosen. @type {Inspection} */
const UNDECIDED = Object.freeze({
  input: {},
  header_reason: "",
  bom: false,
  sep_line: false,
  line_ends: [],
  column_count: 0,
  columns: [],
  rows: 0,
  rows_of_several_lines: 0,
  most_lines: 0,
  notes: [],
  warnings: [],
  proposal: null,
  proposal_reasons: [],
  bytes: 0,
  whole: false,
  problem_count: 0,
  problems: [],
  error: texts.notes.sheet,
  fits: null,
  misfit: null,
  output_columns: null,
  misfit_field: null,
  default_fits: false,
  sample_rows: [],
});

/**
 * Returns what is tried on a file: the question, or its `input` with one that fits each file. With
 * `input` alone, nothing else of how the file is written would be found out.
 * @param {Question} question
 * @returns {Aggregation | null}
 */
export function tried(question) {
  const aggregation = aggregationOf(question);
  if (!asksNothing(question)) return aggregation;
  return aggregation.input ? { group_by: [1], input: aggregation.input } : null;
}

/** The answers about one file, or one upload. */
export class Reading {
  #stop = new AbortController();
  #slow = false;
  /** The last complete inspection. @type {Inspection | null} */
  inspection = null;

  /**
   * @param {import("./source.js").Source} source
   * @param {object} on
   * @param {(busy: boolean) => void} on.busy
   * @param {(inspection: Inspection) => void} on.answer
   * @param {(error: unknown) => void} on.error
   */
  constructor(source, on) {
    this.source = source;
    this.on = on;
  }

  /** Ends what is in progress. */
  stop() {
    this.#stop.abort();
  }

  /**
   * Asks for the file with this question, once it has not changed for a moment.
   * @param {Question} question
   * @param {{now?: boolean, whole?: boolean}} [options] `whole`: how the file is read has changed
   */
  async read(question, { now = false, whole = false } = {}) {
    this.#stop.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    try {
      if (!now) await pause(DELAY, signal);
      this.on.busy(true);
      const found = await this.#ask(question, whole, signal);
      if (signal.aborted) return;
      this.inspection = found;
      this.on.answer(found);
    } catch (error) {
      if (!signal.aborted && !isAbort(error)) this.on.error(error);
    }
    if (!signal.aborted) this.on.busy(false);
  }

  /**
   * @param {Question} question
   * @param {boolean} whole
   * @param {AbortSignal} signal
   */
  async #ask(question, whole, signal) {
    const aggregation = tried(question);
    const known = this.inspection;
    if (this.#slow && !whole && known && !known.error && aggregation) {
      const input = { ...known.input, ...question.input };
      const judged = await this.source.inspect({
        aggregation: { ...aggregation, input },
        length: SHORT_SAMPLE,
        signal,
      });
      const { fits, misfit, misfit_field, output_columns } = judged;
      return { ...known, fits, misfit, misfit_field, output_columns };
    }
    const started = performance.now();
    const found = await this.source.inspect({ aggregation, signal });
    this.#slow = performance.now() - started > SLOW;
    return found;
  }
}
