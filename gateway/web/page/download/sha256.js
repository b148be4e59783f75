/**
 * SHA-256 (FIPS 180-4) of bytes that come in pieces. `crypto.subtle.digest` needs all of them at
 * once, so that a file would have to be in memory.
 */

const BLOCK = 64;
const LENGTH_BYTES = 8;

/** The first 32 bits of the fractions of the cube roots of the first 64 primes. */
const ROUND_CONSTANTS = fractions(64, Math.cbrt);
/** The same of the square roots of the first 8 primes. */
const INITIAL = fractions(8, Math.sqrt);

/** Computes one digest. */
export class Sha256 {
  #state = Int32Array.from(INITIAL);
  #words = new Int32Array(BLOCK);
  #rest = new Uint8Array(BLOCK);
  #resting = 0;
  #length = 0;

  /**
   * Adds the next bytes.
   * @param {Uint8Array} bytes
   */
  update(bytes) {
    let offset = 0;
    this.#length += bytes.length;
    if (this.#resting) {
      offset = Math.min(BLOCK - this.#resting, bytes.length);
      this.#rest.set(bytes.subarray(0, offset), this.#resting);
      this.#resting += offset;
      if (this.#resting < BLOCK) return;
      this.#compress(this.#rest, 0, BLOCK);
      this.#resting = 0;
    }
    const whole = bytes.length - ((bytes.length - offset) % BLOCK);
    this.#compress(bytes, offset, whole);
    this.#rest.set(bytes.subarray(whole));
    this.#resting = bytes.length - whole;
  }

  /** Returns the digest of all bytes in lower-case hexadecimal. Nothing can be added after it. */
  hex() {
    const bits = BigInt(this.#length) * 8n;
    const zeros = (2 * BLOCK - LENGTH_BYTES - 1 - (this.#length % BLOCK)) % BLOCK;
    const end = new Uint8Array(1 + zeros + LENGTH_BYTES);
    end[0] = 0x80;
    new DataView(end.buffer).setBigUint64(1 + zeros, bits);
    this.update(end);
    return Array.from(this.#state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /**
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} stop a multiple of the block after `start`
   */
  #compress(bytes, start, stop) {
    const state = this.#state;
    const w = this.#words;
    const k = ROUND_CONSTANTS;
    for (let at = start; at < stop; at += BLOCK) {
      for (let i = 0, j = at; i < 16; i += 1, j += 4) {
        w[i] = (bytes[j] << 24) | (bytes[j + 1] << 16) | (bytes[j + 2] << 8) | bytes[j + 3];
      }
      for (let i = 16; i < BLOCK; i += 1) {
        const x = w[i - 15];
        const y = w[i - 2];
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
      }
      let a = state[0];
      let b = state[1];
      let c = state[2];
      let d = state[3];
      let e = state[4];
      let f = state[5];
      let g = state[6];
      let h = state[7];
      for (let i = 0; i < BLOCK; i += 1) {
        const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
        const t1 = (h + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i]) | 0;
        const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
        const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g;
        g = f;
        f = e;
        e = (d + t1) | 0;
        d = c;
        c = b;
        b = a;
        a = (t1 + t2) | 0;
      }
      state[0] += a;
      state[1] += b;
      state[2] += c;
      state[3] += d;
      state[4] += e;
      state[5] += f;
      state[6] += g;
      state[7] += h;
    }
  }
}

/**
 * Returns the first 32 bits of the fractions of the roots of the first primes. The standard defines
 * its constants so; a double has 53 bits, which are enough.
 * @param {number} count
 * @param {(prime: number) => number} root
 */
function fractions(count, root) {
  const found = new Int32Array(count);
  for (let number = 2, index = 0; index < count; number += 1) {
    if (!isPrime(number)) continue;
    found[index] = (root(number) % 1) * 2 ** 32;
    index += 1;
  }
  return found;
}

/** @param {number} number */
function isPrime(number) {
  for (let factor = 2; factor * factor <= number; factor += 1) {
    if (number % factor === 0) return false;
  }
  return true;
}
