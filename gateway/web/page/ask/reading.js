/** Reads the start of a file by the service, again for each change; the last answer counts. */

import { callJson } from "../api/client.js";
import { isAbort, pause } from "../core/wait.js";
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

/**
 * Asks the service how a file is read.
 * @param {File} file
 * @param {object} options
 * @param {Aggregation | null} options.aggregation tried on the file
 * @param {number} [options.length] bytes that are sent
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<Inspection>}
 */
export async function inspectFile(file, { aggregation, length = SAMPLE, signal }) {
  const form = new FormData();
  if (aggregation) form.set("aggregation", JSON.stringify(aggregation));
  form.set("size", String(file.size));
  // Read now: a file that has been removed is then an error of its own.
  form.set("file", new Blob([await file.slice(0, length).arrayBuffer()]), "sample");
  return callJson("POST", PATH, { body: form, ...(signal ? { signal } : {}) });
}

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
