/** Sends one file, and continues after failures, until the file has its job, or has arrived if it gets none of its own. */

import { connection } from "../api/connection.js";
import { Problem } from "../api/problem.js";
import { backoff, pause } from "../core/wait.js";
import { digestOf, Unreadable } from "./digests.js";
import { judge } from "./failures.js";
import { Plan } from "./plan.js";
import { jobIdOf } from "./server.js";

/** @typedef {import("./plan.js").Range} Range */
/** @typedef {import("./server.js").Upload} Upload */
/** @typedef {import("./failures.js").Trouble} Trouble */

/** Milliseconds. A shorter pause is not worth telling. */
const NOTICED = 3000;
/** Milliseconds between two looks at an upload that is complete and has no job yet. */
const WITHOUT_JOB = 500;

/** Why an upload cannot go on by itself. */
export class Stopped extends Error {
  /**
   * @param {Trouble} trouble
   * @param {string} [detail] what the server says about it
   */
  constructor(trouble, detail = "") {
    super(detail || trouble);
    this.name = "Stopped";
    this.trouble = trouble;
    this.detail = detail;
  }
}

/**
 * What the sender of a file tells.
 * @typedef {object} Listener
 * @property {(upload: Upload) => void} looked the server was asked what it has
 * @property {(range: Range, bytes: number) => void} flying so many bytes of a chunk have left
 * @property {(range: Range, stored: boolean) => void} landed a chunk was stored, or was not
 * @property {(trouble: Trouble, detail: string, until: number) => void} waiting it waits for the
 *   next try, until a time in milliseconds since 1970; 0 if that time is not known
 */

export class Sending {
  #file;
  #server;
  #size;
  #lanes;
  #listener;
  /** How many tries have failed since the last chunk was stored. */
  #failures = 0;
  /** Bytes of the largest chunk during which the connection broke. */
  #suspect = 0;
  /** Ends the present pause. */
  #hurry = new AbortController();

  /**
   * @param {object} parts
   * @param {File} parts.file
   * @param {import("./server.js").UploadOnServer} parts.server
   * @param {import("./pace.js").ChunkSize} parts.size
   * @param {() => number} parts.lanes how many chunks may be in flight
   * @param {Listener} parts.listener
   */
  constructor({ file, server, size, lanes, listener }) {
    this.#file = file;
    this.#server = server;
    this.#size = size;
    this.#lanes = lanes;
    this.#listener = listener;
  }

  /**
   * Sends what the server misses.
   * @param {AbortSignal} signal
   * @returns {Promise<string | null>} the id of the file's job; null if it gets none of its own
   * @throws {Stopped} if trying again would not help
   * @throws {DOMException} `AbortError` if the signal is aborted
   */
  async run(signal) {
    for (;;) {
      let looked = false;
      try {
        const upload = await this.#server.look(signal);
        looked = true;
        this.#listener.looked(upload);
        if (this.#suspect > 0) this.#size.broken(this.#suspect);
        this.#suspect = 0;
        const job = upload.job ?? (await this.#send(new Plan(upload.missing), signal));
        if (job !== null) return jobIdOf(job);
        if (upload.complete && !this.#server.withJob) return null;
        // All bytes are there, and the next look will find or make the job.
        if (upload.missing.length === 0) await pause(WITHOUT_JOB, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Problem)) throw error;
        await this.#recover(error, looked, signal);
      }
    }
  }

  /** Tries again now, if it waits for the next try. */
  hurry() {
    this.#hurry.abort();
    connection.retry();
  }

  /**
   * @param {Plan} plan
   * @param {AbortSignal} signal
   * @returns {Promise<string | null>} the path of the job, if an answer named it
   * @throws the first failure, when no chunk is in flight any more
   */
  async #send(plan, signal) {
    /** @type {Set<Promise<void>>} */
    const flying = new Set();
    /** @type {{error: unknown}[]} */
    const failed = [];
    /** @type {string | null} */
    let job = null;
    let begun = plan.start > 0;
    /** @param {Range} range */
    const fly = async (range) => {
      let stored = false;
      try {
        job = (await this.#chunk(range, signal)).job ?? job;
        stored = true;
        begun = true;
      } catch (error) {
        failed.push({ error });
      }
      this.#listener.landed(range, stored);
    };
    for (;;) {
      // With the first bytes alone the server tells whether the question fits the file.
      while (failed.length === 0 && flying.size < (begun ? this.#lanes() : 1)) {
        const range = plan.take(this.#size.bytes);
        if (range === null) break;
        const flight = fly(range).finally(() => flying.delete(flight));
        flying.add(flight);
      }
      if (flying.size === 0) break;
      await Promise.race(flying);
    }
    if (failed[0]) throw failed[0].error;
    return job;
  }

  /**
   * @param {Range} range
   * @param {AbortSignal} signal
   */
  async #chunk(range, signal) {
    const blob = this.#file.slice(range[0], range[1]);
    const digest = await digestOf(blob).catch((error) => {
      throw error instanceof Unreadable ? new Stopped("unreadable") : error;
    });
    signal.throwIfAborted();
    const started = performance.now();
    try {
      const answer = await this.#server.send(blob, range[0], digest, {
        signal,
        onSent: (bytes) => this.#listener.flying(range, bytes),
      });
      this.#size.stored(blob.size, performance.now() - started);
      this.#failures = 0;
      return answer;
    } catch (error) {
      if (error instanceof Problem) this.#resize(error, blob.size);
      throw error;
    }
  }

  /**
   * Makes the next chunks smaller if that may help.
   * @param {Problem} problem of a chunk
   * @param {number} bytes of the chunk
   * @throws {Stopped} if the smallest chunk is too large
   */
  #resize(problem, bytes) {
    if (problem.status === 0) this.#suspect = Math.max(this.#suspect, bytes);
    const { act, trouble } = judge(problem);
    if (act === "smaller" && !this.#size.refused(bytes)) throw new Stopped(trouble, problem.detail);
  }

  /**
   * Does what helps against a failure, and waits.
   * @param {Problem} problem
   * @param {boolean} looked whether a chunk failed, and not the look at the upload
   * @param {AbortSignal} signal
   * @throws {Stopped} if nothing helps
   */
  async #recover(problem, looked, signal) {
    const { act, trouble, most, wait } = judge(problem);
    this.#failures += 1;
    const hopeless = act === "stop" || this.#failures > most;
    if (hopeless || (act === "lost" && !this.#server.forget()))
      throw new Stopped(trouble, problem.detail);
    // A person is asked for a key when the upload is looked at, and has given none.
    if (act === "key" && !looked) throw new Stopped(trouble, problem.detail);
    if (act !== "again") return;
    const asked = 1000 * (problem.retryAfter ?? 0);
    await this.#pause(trouble, problem, Math.max(wait, asked, backoff(this.#failures)), signal);
  }

  /**
   * Waits for the connection, or for a time.
   * @param {Trouble} trouble
   * @param {Problem} problem
   * @param {number} milliseconds
   * @param {AbortSignal} signal
   */
  async #pause(trouble, problem, milliseconds, signal) {
    const away = problem.status === 0;
    const until = away ? 0 : Date.now() + milliseconds;
    if (away || milliseconds > NOTICED) this.#listener.waiting(trouble, problem.detail, until);
    this.#hurry = new AbortController();
    const either = AbortSignal.any([signal, this.#hurry.signal]);
    await (away ? connection.restored(either) : pause(milliseconds, either)).catch(() => undefined);
    signal.throwIfAborted();
  }
}
