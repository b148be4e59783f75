/** Asks for the job of files that get one together, when all of them have arrived. */

import { callJson } from "../api/client.js";
import { Problem } from "../api/problem.js";
import { backoff, pause } from "../core/wait.js";
import { judge } from "./failures.js";

/** @typedef {import("./failures.js").Trouble} Trouble */
/** @typedef {import("./store.js").UploadRecord} UploadRecord */

/**
 * What a bundle reports, with the ids of its uploads.
 * @typedef {object} Listener
 * @property {(ids: readonly string[], jobId: string) => void} joined its job was created
 * @property {(ids: readonly string[], trouble: Trouble, detail: string) => void} refused its job was
 *   refused, for a reason that trying again does not change
 */

export class Bundles {
  #store;
  #listener;
  /** Bundles that are being looked at, and whether to look once more. @type {Map<string, boolean>} */
  #looking = new Map();

  /**
   * @param {import("./store.js").Store} store the truth about what has arrived, in all tabs
   * @param {Listener} listener
   */
  constructor(store, listener) {
    this.#store = store;
    this.#listener = listener;
  }

  /**
   * Creates the job of a bundle if none of its uploads is missing. Several tabs may do so: the key of
   * the request is that of the bundle, so there is one job.
   * @param {string} id
   */
  async check(id) {
    if (this.#looking.has(id)) {
      this.#looking.set(id, true);
      return;
    }
    for (let again = true; again; ) {
      this.#looking.set(id, false);
      await this.#look(id);
      again = this.#looking.get(id) === true;
    }
    this.#looking.delete(id);
  }

  /** @param {string} id */
  async #look(id) {
    for (let failures = 1; ; failures += 1) {
      const all = await this.#store.all();
      const mine = all.filter(({ bundle, wish }) => bundle?.id === id && wish !== "cancelled");
      if (mine.length === 0 || mine.some(({ wish }) => wish !== "arrived")) return;
      const ids = mine.sort(byPosition).map((record) => record.id);
      try {
        const job = await callJson("POST", "api/v1/jobs", {
          json: { inputs: ids, aggregation: mine[0]?.aggregation },
          headers: { "Idempotency-Key": `"${id}"` },
        });
        this.#listener.joined(ids, job.id);
        return;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        const { act, trouble, most, wait } = judge(error);
        if (act !== "again" || failures >= most) {
          this.#listener.refused(ids, trouble, error.detail);
          return;
        }
        await pause(Math.max(wait, backoff(failures)));
      }
    }
  }
}

/**
 * @param {UploadRecord} one
 * @param {UploadRecord} other
 */
function byPosition(one, other) {
  return (one.bundle?.position ?? 0) - (other.bundle?.position ?? 0);
}
