/** Counts the bytes of an upload: what was stored, and what is in flight. */

import { Speed } from "./speed.js";

export class Progress {
  #size;
  #stored;
  #speed = new Speed();
  /** Bytes that have left, by the first byte of their chunk. @type {Map<number, number>} */
  #flying = new Map();

  /**
   * @param {number} size bytes of the file
   * @param {number} stored bytes that the server has
   */
  constructor(size, stored) {
    this.#size = size;
    this.#stored = stored;
  }

  /** Bytes that the server has. */
  get stored() {
    return this.#stored;
  }

  /** Bytes that the server has, or that have left. */
  get sent() {
    let flying = 0;
    for (const bytes of this.#flying.values()) flying += bytes;
    return Math.min(this.#stored + flying, this.#size);
  }

  /**
   * The server has told how many bytes it has. Nothing is in flight.
   * @param {number} stored
   * @param {number} now milliseconds
   */
  reset(stored, now) {
    this.#stored = stored;
    this.#flying.clear();
    this.#speed.restart(now);
  }

  /**
   * Bytes of a chunk have left.
   * @param {number} start of the chunk
   * @param {number} bytes so far
   * @param {number} now milliseconds
   */
  flying(start, bytes, now) {
    this.#speed.moved(Math.max(0, bytes - (this.#flying.get(start) ?? 0)), now);
    this.#flying.set(start, bytes);
  }

  /**
   * A chunk was stored, or was not.
   * @param {readonly [number, number]} range
   * @param {boolean} stored
   * @param {number} now milliseconds
   */
  landed([start, end], stored, now) {
    if (stored) {
      this.flying(start, end - start, now);
      this.#stored += end - start;
    }
    this.#flying.delete(start);
  }

  /**
   * @param {number} now milliseconds
   * @returns {{bytesPerSecond: number | null, secondsLeft: number | null}}
   */
  rate(now) {
    return {
      bytesPerSecond: this.#speed.bytesPerSecond(now),
      secondsLeft: this.#speed.secondsFor(this.#size - this.sent, now),
    };
  }
}
