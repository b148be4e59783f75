/** One upload on the server, by the native API (docs/api.md, "Upload, v1"). */

import { apiUrl, call, callJson } from "../api/client.js";
import { currentKey } from "../api/key.js";
import { Problem } from "../api/problem.js";
import { backoff, pause } from "../core/wait.js";
import { sendChunk } from "./chunk_request.js";

const PATH = "api/v1/uploads";

/**
 * An upload, as the API shows it.
 * @typedef {object} Upload
 * @property {string} id
 * @property {boolean} complete
 * @property {number} received_bytes
 * @property {(readonly [number, number])[]} missing the first 1000 ranges
 * @property {string | null} job the path of its job
 * @property {HeadStart | null} head_start
 */

/**
 * How far a file was aggregated while it is received.
 * @typedef {object} HeadStart
 * @property {number} aggregated_bytes
 * @property {number | null} rows
 * @property {boolean} rows_estimated
 * @property {number} rows_rejected
 * @property {string | null} first_problem
 * @property {string | null} ended why it was given up
 */

/**
 * What declares an upload. Sent again with the same key it gives the same upload.
 * @typedef {object} Declaration
 * @property {string} key the Idempotency-Key, a UUID
 * @property {string} name
 * @property {number} size bytes
 * @property {unknown} aggregation null is the sum of plays by song and date
 * @property {boolean} withJob whether it becomes a job when it is complete
 */

/**
 * Returns the id of a job.
 * @param {string} path as in `job` of an upload
 */
export function jobIdOf(path) {
  return path.slice(path.lastIndexOf("/") + 1);
}

export class UploadOnServer {
  #declaration;
  #declared;
  /** Bytes that the server had received when it last said so. */
  #received;

  /**
   * @param {Declaration} declaration
   * @param {{declared: boolean, received: number}} known whether the server knows it already, and
   *   how many bytes it has received
   */
  constructor(declaration, { declared, received }) {
    this.#declaration = declaration;
    this.#declared = declared;
    this.#received = received;
  }

  /**
   * Lets the next look declare the upload again, unless received bytes would have been lost.
   * @returns {boolean} whether it does
   */
  forget() {
    if (this.#received > 0) return false;
    this.#declared = false;
    return true;
  }

  /** Whether the upload becomes a job when it is complete. */
  get withJob() {
    return this.#declaration.withJob;
  }

  /**
   * Returns what the server has. Declares the upload first if it does not know it.
   * @param {AbortSignal} [signal]
   * @returns {Promise<Upload>}
   * @throws {import("../api/problem.js").Problem}
   */
  async look(signal) {
    const upload = await (this.#declared
      ? callJson("GET", this.#path, signal ? { signal } : {})
      : this.#declare(signal));
    this.#declared = true;
    this.#received = upload.received_bytes;
    return upload;
  }

  /**
   * @param {AbortSignal | undefined} signal
   * @returns {Promise<Upload>}
   */
  #declare(signal) {
    const { key, name, size, aggregation, withJob } = this.#declaration;
    const asks = aggregation === null || aggregation === undefined ? {} : { aggregation };
    const json = { name, size, ...(withJob ? { fail_early: true, ...asks } : { job: false }) };
    const headers = { "Idempotency-Key": `"${key}"` };
    return callJson("POST", PATH, { json, headers, ...(signal ? { signal } : {}) });
  }

  /**
   * Sends a chunk.
   * @param {Blob} blob
   * @param {number} offset
   * @param {Uint8Array | null} digest its SHA-256, if it was computed
   * @param {{signal: AbortSignal, onSent: (bytes: number) => void}} options
   * @returns {Promise<Upload>}
   * @throws {import("../api/problem.js").Problem}
   */
  send(blob, offset, digest, options) {
    const key = currentKey();
    /** @type {Record<string, string>} */
    const headers = { "Content-Type": "application/octet-stream" };
    if (key) headers.Authorization = `Bearer ${key}`;
    if (digest) headers["Content-Digest"] = `sha-256=:${btoa(String.fromCharCode(...digest))}:`;
    return sendChunk(apiUrl(`${this.#path}/chunks/${offset}`), blob, { headers, ...options });
  }

  /**
   * Returns how far the file was aggregated; null if that has not begun, or is over.
   * @param {AbortSignal} signal
   * @returns {Promise<HeadStart | null>}
   * @throws {import("../api/problem.js").Problem}
   */
  async headStart(signal) {
    return (await callJson("GET", this.#path, { signal, ask: false })).head_start;
  }

  /**
   * Removes what was received, and cancels its job; a job that has ended stays.
   * @throws {import("../api/problem.js").Problem}
   */
  async remove() {
    await call("DELETE", this.#path, { query: { finished: "keep" } });
  }

  /** As `remove`, however long the server does not answer. */
  async removeAtLast() {
    for (let failures = 1; ; failures += 1) {
      try {
        await this.remove();
        return;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (!error.passes) return; // it is not there any more, or its job has ended
        await pause(backoff(failures));
      }
    }
  }

  get #path() {
    return `${PATH}/${this.#declaration.key}`;
  }
}
