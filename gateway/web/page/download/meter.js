/** How fast bytes arrive, over the last seconds. */

const WINDOW = 8000;
const LEAST = 500;

/** Measures one transfer. Times are in milliseconds. */
export class Meter {
  /** @type {{time: number, bytes: number}[]} */
  #samples = [];

  /**
   * Adds a measurement.
   * @param {number} bytes all that have arrived
   * @param {number} time
   */
  add(bytes, time) {
    const last = this.#samples.at(-1);
    if (last && bytes < last.bytes) this.#samples = [];
    this.#samples.push({ time, bytes });
    while (this.#samples.length > 2 && this.#samples[1].time <= time - WINDOW) {
      this.#samples.shift();
    }
  }

  /** Forgets what was measured: the transfer was interrupted. */
  reset() {
    this.#samples = [];
  }

  /** Bytes per second; null if that is not known yet. */
  get rate() {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.time - first.time < LEAST) return null;
    return ((last.bytes - first.bytes) * 1000) / (last.time - first.time);
  }

  /**
   * Returns the seconds until so many bytes have arrived; null if that is not known.
   * @param {number} bytes
   */
  secondsLeft(bytes) {
    return this.rate ? bytes / this.rate : null;
  }
}
