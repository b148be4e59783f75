/** Reads chunks and computes their digests in a thread of its own, so that the page stays smooth. */

import { readDigest } from "./digest.js";

/**
 * What the page asks, and what it is answered.
 * @typedef {{number: number, blob: Blob}} Question
 * @typedef {{number: number, digest: Uint8Array | null, unreadable: boolean}} Answer
 */

addEventListener("message", async (/** @type {MessageEvent<Question>} */ { data }) => {
  const { number, blob } = data;
  try {
    postMessage({ number, digest: await readDigest(blob), unreadable: false });
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    postMessage({ number, digest: null, unreadable: true });
  }
});
