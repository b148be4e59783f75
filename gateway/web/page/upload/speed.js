/** How fast bytes leave, smoothed. */

const WINDOW = 8000;
/** Milliseconds between two measurements that are kept. */
const STEP = 200;
/** Milliseconds of which nothing is said yet. */
const LEAST = 400;

/** The mean speed over the last seconds. All times are milliseconds of one clock. */
export class Speed {
  /** @type {{time: number, bytes: number}[]} */
  #kept = [];
  #bytes = 0;

  /**
   * Forget what was measured: after a pause, or a lost connection.
   * @param {number} now
   */
  restart(now) {
    this.#bytes = 0;
    this.#kept = [{ time: now, bytes: 0 }];
  }

  /**
   * Bytes have left.
   * @param {number} bytes - since the last call
   * @param {number} now
   */
  moved(bytes, now) {
    if (this.#kept.length === 0) this.restart(now);
    this.#bytes += bytes;
    const last = this.#kept[this.#kept.length - 1];
    if (last && now - last.time >= STEP) this.#kept.push({ time: now, bytes: this.#bytes });
    while (this.#kept.length > 2 && now - (this.#kept[1]?.time ?? now) >= WINDOW)
      this.#kept.shift();
  }

  /**
   * @param {number} now
   * @returns {number | null} bytes a second; null if too little was measured
   */
  bytesPerSecond(now) {
    const first = this.#kept[0];
    if (!first || now - first.time < LEAST) return null;
    return ((this.#bytes - first.bytes) * 1000) / (now - first.time);
  }

  /**
   * @param {number} bytes - that are still to be sent
   * @param {number} now
   * @returns {number | null} seconds until they are sent; null if that cannot be said
   */
  secondsFor(bytes, now) {
    if (bytes <= 0) return 0;
    const rate = this.bytesPerSecond(now);
    return rate === null || rate < 1 ? null : bytes / rate;
  }
}
