/** Which bytes of a file are still to be sent. */

/**
 * Bytes of a file: the offset of the first one, and the offset after the last one.
 * @typedef {readonly [number, number]} Range
 */

/** Cuts what the server misses into chunks, from the start of the file to its end. */
export class Plan {
  /** @type {Range[]} */
  #missing;

  /** @param {readonly Range[]} missing - what the server has not received, in any order */
  constructor(missing) {
    this.#missing = missing.filter(([start, end]) => end > start).sort((a, b) => a[0] - b[0]);
  }

  /** The offset of the first byte of the next chunk; Infinity if there is none. */
  get start() {
    return this.#missing[0]?.[0] ?? Number.POSITIVE_INFINITY;
  }

  /** Bytes that no chunk has been taken of. */
  get left() {
    return this.#missing.reduce((total, [start, end]) => total + end - start, 0);
  }

  /**
   * Takes the next chunk out of the plan.
   * @param {number} size - the most bytes that it may have
   * @returns {Range | null} null if all chunks have been taken
   */
  take(size) {
    const first = this.#missing[0];
    if (!first) return null;
    const [start, end] = first;
    const stop = Math.min(start + size, end);
    if (stop === end) this.#missing.shift();
    else this.#missing[0] = [stop, end];
    return [start, stop];
  }
}
