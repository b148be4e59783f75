/** Fetches a file in ranges, several at the same time, until all its bytes have arrived. */

import { Ended } from "./outcome.js";
import { bytesOf, nextRange, partLength, readContentRange, withRange } from "./ranges.js";
import { delayAfter, waitFor } from "./wait.js";

/** @typedef {import("./ranges.js").Range} Range */

const LANES = 3;
/** Milliseconds without a byte after which a connection counts as broken. */
const STALLED = 30_000;
/** Bytes and milliseconds after which what has arrived is recorded. */
const RECORD_BYTES = 32 << 20;
const RECORD_TIME = 2000;
const BUSY = 429;
const PASSING = new Set([408, BUSY, 500, 502, 503, 504]);
/** @type {ReadonlyMap<number, import("./outcome.js").Reason>} */
const FINAL = new Map([
  [401, "key"],
  [403, "key"],
  [404, "gone"],
  [410, "gone"],
  [412, "changed"],
  [416, "changed"],
]);

/** A failure after which the same request may succeed. */
class Passing extends Error {
  /**
   * @param {string} message
   * @param {{wait?: number, busy?: boolean}} [options] `wait` is in milliseconds
   */
  constructor(message, { wait = 0, busy = false } = {}) {
    super(message);
    this.wait = wait;
    this.busy = busy;
  }
}

/**
 * Where the bytes go.
 * @typedef {object} Sink
 * @property {(bytes: Uint8Array, offset: number) => void} write
 * @property {(arrived: readonly Range[]) => Promise<void>} record makes durable what has arrived
 */

/**
 * @typedef {object} Options
 * @property {string} url
 * @property {string} etag the strong tag of the file, quoted
 * @property {number} size bytes of the file
 * @property {readonly Range[]} arrived what is there already
 * @property {Sink} sink
 * @property {Record<string, string>} [headers] further header fields of the requests
 * @property {typeof globalThis.fetch} [fetch]
 * @property {(transfer: Transfer) => void} [onChange] called when bytes have arrived, and when
 *   `waiting` has changed
 * @property {number} [lanes] how many ranges are asked for at the same time
 */

/** One run of a download: from what has arrived to the whole file. */
export class Transfer {
  #options;
  #fetch;
  /** @type {readonly Range[]} */
  #arrived;
  /** @type {Set<Range>} */
  #asked = new Set();
  #lanes;
  #failures = 0;
  #unrecorded = 0;
  /** @type {Promise<void>} */
  #recording = Promise.resolve();
  #wake = new AbortController();

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#arrived = options.arrived;
    this.#lanes = options.lanes ?? LANES;
  }

  /** What has arrived. */
  get arrived() {
    return this.#arrived;
  }

  /** How many bytes have arrived. */
  get bytes() {
    return bytesOf(this.#arrived);
  }

  /** Whether the last requests have failed, and are sent again after a while. */
  get waiting() {
    return this.#failures > 0;
  }

  /** Sends requests again at once that would wait. */
  wake() {
    this.#wake.abort();
    this.#wake = new AbortController();
  }

  /**
   * Fetches what is missing, and records it.
   * @param {AbortSignal} signal stops it; what has arrived until then is recorded
   * @throws {Ended} if it cannot go on
   * @throws {DOMException} `AbortError` if the signal is aborted
   */
  async run(signal) {
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    const lane = async () => {
      try {
        await this.#lane(both);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    };
    const timer = setInterval(() => {
      if (this.#unrecorded) this.#record().catch((error) => stop.abort(error));
    }, RECORD_TIME);
    const lanes = await Promise.allSettled(Array.from({ length: this.#lanes }, lane));
    clearInterval(timer);
    await this.#record();
    signal.throwIfAborted();
    stop.signal.throwIfAborted(); // with the error of the lane that failed first
    const failed = lanes.find((each) => each.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** @param {AbortSignal} signal */
  async #lane(signal) {
    const { size } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      const range = nextRange(this.#arrived, [...this.#asked], size, partLength(size));
      if (!range) {
        if (this.bytes >= size) this.wake(); // for lanes that wait to send a request again
        return;
      }
      this.#asked.add(range);
      try {
        await this.#get(range, signal);
      } catch (error) {
        if (!(error instanceof Passing)) throw error;
        this.#asked.delete(range);
        if (error.busy && this.#lanes > 1) {
          this.#lanes -= 1; // the others go on
          return;
        }
        await this.#wait(error, signal);
      } finally {
        this.#asked.delete(range);
      }
    }
  }

  /**
   * Fetches a range. Bytes that arrive before a failure are kept.
   * @param {Range} range
   * @param {AbortSignal} signal
   */
  async #get(range, signal) {
    const stalled = new AbortController();
    let timer = setTimeout(() => stalled.abort(), STALLED);
    try {
      const response = await this.#ask(range, AbortSignal.any([signal, stalled.signal]));
      const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
      let offset = range[0];
      for (;;) {
        const { done, value } = await reader.read();
        clearTimeout(timer);
        if (done) break;
        if (offset + value.length > range[1]) throw new Ended("failed", "too many bytes");
        this.#options.sink.write(value, offset);
        this.#arrive(offset, offset + value.length);
        offset += value.length;
        if (this.#unrecorded >= RECORD_BYTES) await this.#record();
        timer = setTimeout(() => stalled.abort(), STALLED);
      }
      if (offset < range[1]) throw new Passing("the connection ended early");
    } catch (error) {
      signal.throwIfAborted();
      if (stalled.signal.aborted) throw new Passing("no bytes arrive");
      // Of fetch and its stream: the connection is broken.
      if (error instanceof TypeError) throw new Passing(error.message);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Asks for a range and returns the answer, if it has exactly these bytes of exactly this file.
   * @param {Range} range
   * @param {AbortSignal} signal
   */
  async #ask(range, signal) {
    const { url, etag, size, headers } = this.#options;
    const response = await this.#fetch(url, {
      headers: { ...headers, Range: `bytes=${range[0]}-${range[1] - 1}`, "If-Match": etag },
      cache: "no-store",
      credentials: "same-origin",
      signal,
    });
    if (response.status === 206) {
      const sent = readContentRange(response.headers.get("Content-Range"));
      const same =
        response.headers.get("ETag") === etag &&
        sent?.size === size &&
        sent.range[0] === range[0] &&
        sent.range[1] === range[1];
      if (same) return response;
    }
    await response.body?.cancel();
    if (response.status === 206) throw new Ended("changed");
    if (response.status === 200) {
      throw new Ended(response.headers.get("ETag") === etag ? "ranges" : "changed");
    }
    if (PASSING.has(response.status)) {
      const seconds = Number(response.headers.get("Retry-After") ?? 0);
      const wait = Number.isFinite(seconds) ? seconds * 1000 : 0;
      throw new Passing(`${response.status}`, { wait, busy: response.status === BUSY });
    }
    throw new Ended(FINAL.get(response.status) ?? "failed", `${response.status}`);
  }

  /**
   * @param {number} start
   * @param {number} stop
   */
  #arrive(start, stop) {
    this.#arrived = withRange(this.#arrived, start, stop);
    this.#unrecorded += stop - start;
    this.#failures = 0;
    this.#options.onChange?.(this);
  }

  /**
   * @param {Passing} failure
   * @param {AbortSignal} signal
   */
  async #wait(failure, signal) {
    this.#failures += 1;
    this.#options.onChange?.(this);
    await waitFor(Math.max(failure.wait, delayAfter(this.#failures)), signal, this.#wake.signal);
    signal.throwIfAborted();
  }

  /** Records what has arrived, one time after the other. */
  #record() {
    this.#unrecorded = 0;
    this.#recording = this.#recording.then(() => this.#options.sink.record(this.#arrived));
    return this.#recording;
  }
}
