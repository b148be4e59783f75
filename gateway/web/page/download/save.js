/** Checks a file that has arrived, and writes it to where a person wants it. */

import { Ended } from "./outcome.js";
import { Sha256 } from "./sha256.js";

const PIECE = 4 << 20;

/**
 * Copies the file and computes its SHA-256 on the way. The copy appears only if that is right.
 * @param {object} file
 * @param {(into: Uint8Array, offset: number) => number} file.read returns how many bytes it has read
 * @param {number} file.size
 * @param {string} file.sha256 in lower-case hexadecimal
 * @param {FileSystemWritableFileStream} file.writable
 * @param {(bytes: number) => void} file.onProgress called with the bytes that are checked and written
 * @param {AbortSignal} file.signal
 * @throws {Ended} `damaged` if the bytes are others
 * @throws {DOMException} if they cannot be written, and `AbortError` if the signal is aborted
 */
export async function saveChecked({ read, size, sha256, writable, onProgress, signal }) {
  const digest = new Sha256();
  const piece = new Uint8Array(Math.min(PIECE, Math.max(size, 1)));
  try {
    for (let offset = 0; offset < size; ) {
      signal.throwIfAborted();
      const length = read(piece.subarray(0, Math.min(piece.length, size - offset)), offset);
      if (!length) throw new Ended("damaged", "bytes are missing");
      const bytes = piece.subarray(0, length);
      digest.update(bytes);
      await writable.write(bytes);
      offset += length;
      onProgress(offset);
    }
    const found = digest.hex();
    if (found !== sha256) throw new Ended("damaged", found);
  } catch (error) {
    await writable.abort(error);
    throw error;
  }
  await writable.close();
}
