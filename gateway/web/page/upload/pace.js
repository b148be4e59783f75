/** How large the chunks are. */

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * @typedef {object} Pace
 * @property {number} first - bytes of the first chunks
 * @property {number} least - bytes below which no chunk is made smaller
 * @property {number} most - bytes of the largest chunks; as many as are in flight may be in memory
 * @property {number} quick - milliseconds: after a chunk that took less, the next ones are larger
 * @property {number} slow - milliseconds: after a chunk that took more, the next ones are smaller
 */

/** @type {Readonly<Pace>} */
export const PACE = Object.freeze({
  first: MIB,
  least: 64 * KIB,
  most: 8 * MIB,
  quick: 1500,
  slow: 8000,
});

/** The size of the next chunk. It follows the speed of the line and what the server accepts. */
export class ChunkSize {
  #pace;
  #size;
  #most;

  /** @param {Readonly<Pace>} [pace] */
  constructor(pace = PACE) {
    this.#pace = pace;
    this.#size = pace.first;
    this.#most = pace.most;
  }

  /** Bytes of the next chunk. */
  get bytes() {
    return this.#size;
  }

  /**
   * A chunk was stored.
   * @param {number} bytes
   * @param {number} milliseconds - from the start of its request to the answer
   */
  stored(bytes, milliseconds) {
    // Chunks of an earlier size say nothing about this one.
    if (milliseconds > this.#pace.slow && bytes <= this.#size) this.#shrinkBelow(bytes);
    else if (milliseconds < this.#pace.quick && bytes >= this.#size)
      this.#size = Math.min(this.#size * 2, this.#most);
  }

  /**
   * A chunk was refused because it was too large (413): never send one as large again.
   * @param {number} bytes
   * @returns {boolean} whether a smaller one can be tried
   */
  refused(bytes) {
    if (bytes <= this.#pace.least) return false;
    this.#shrinkBelow(bytes);
    this.#most = this.#size;
    return true;
  }

  /**
   * The connection broke during a chunk, though the server answers: a smaller one may arrive.
   * @param {number} bytes
   */
  broken(bytes) {
    this.#shrinkBelow(bytes);
  }

  /** @param {number} bytes */
  #shrinkBelow(bytes) {
    const half = Math.max(this.#pace.least, Math.floor(bytes / 2));
    this.#size = Math.min(this.#size, half);
  }
}
