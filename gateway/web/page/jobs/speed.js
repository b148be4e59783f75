/** How fast a job reads, from what its events tell. */

/** Seconds after which what was measured counts half. */
const HALF = 3;

/** Measures bytes per second. A fall of the bytes, as at another attempt, begins anew. */
export class Speed {
  #bytes = -1;
  #at = 0;
  #rate = 0;
  #weight = 0;

  /** Bytes per second; null while it is not known. */
  get rate() {
    return this.#weight ? this.#rate / this.#weight : null;
  }

  /**
   * Takes what an event tells.
   * @param {number} bytes read so far
   * @param {number} at milliseconds
   */
  take(bytes, at) {
    if (this.#bytes < 0 || bytes < this.#bytes) {
      this.#rate = this.#weight = 0;
    } else {
      const seconds = (at - this.#at) / 1000;
      if (seconds < 0.05) return; // two events that came together
      const kept = 0.5 ** (seconds / HALF);
      this.#rate = this.#rate * kept + ((bytes - this.#bytes) / seconds) * (1 - kept);
      this.#weight = this.#weight * kept + (1 - kept);
    }
    this.#bytes = bytes;
    this.#at = at;
  }
}
