/** Loads parts of a result: its first rows, or the first ones in the order of a column. */

import { call } from "../api/client.js";
import { Problem } from "../api/problem.js";
import { readPreview } from "./answer.js";
import { sortRows } from "./rows.js";

/** @typedef {import("./types.js").Order} Order */
/** @typedef {import("./types.js").Preview} Preview */

/** The most rows that the server shows. */
export const MOST_ROWS = 1000;
const NOT_SORTABLE = "urn:csvmill:problem:not-sortable";

/** Whether a result is too large to be sorted by the server. @param {unknown} error */
export function isNotSortable(error) {
  return error instanceof Problem && error.type === NOT_SORTABLE;
}

/** The result of one job. What was loaded is kept: a result never changes. */
export class Source {
  /** @type {Map<string, Preview>} */
  #kept = new Map();
  /** All rows, if they are loaded. @type {Preview | null} */
  #whole = null;
  #path;

  /** @param {string} jobId */
  constructor(jobId) {
    this.#path = `api/v1/jobs/${encodeURIComponent(jobId)}/preview`;
  }

  /**
   * Returns rows of the result: the first ones, or the first ones in an order. If all rows are
   * loaded, they are sorted here, and otherwise by the server.
   * @param {number} rows how many
   * @param {Order | null} order
   * @param {AbortSignal} signal
   * @returns {Promise<Preview>}
   * @throws {Problem} with `isNotSortable` if the result is too large to be sorted
   */
  async load(rows, order, signal) {
    const whole = this.#whole;
    if (whole) return order ? sorted(whole, order) : whole;
    const orderBy = order && `${order.descending ? "-" : ""}${order.column + 1}`;
    const key = `${rows} ${orderBy ?? ""}`;
    const kept = this.#kept.get(key);
    if (kept) return kept;
    const response = await call("GET", this.#path, { query: { rows, order_by: orderBy }, signal });
    const found = readPreview(await response.text());
    this.#kept.set(key, found);
    if (!order && !found.truncated) this.#whole = found;
    return found;
  }
}

/**
 * @param {Preview} preview
 * @param {Order} order
 * @returns {Preview}
 */
function sorted(preview, order) {
  return { ...preview, rows: sortRows(preview.rows, preview.columns, order) };
}
