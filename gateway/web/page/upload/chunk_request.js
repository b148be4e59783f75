/** The request that sends one chunk. Only XMLHttpRequest tells how many of its bytes have left. */

import { connection } from "../api/connection.js";
import { Problem, problemOf, UNREACHABLE } from "../api/problem.js";

/** Milliseconds without a byte or an answer, after which a connection counts as broken. */
const STALLED = 60_000;

/**
 * Sends bytes of a file. The browser reads them from the disk while it sends them.
 * @param {URL} url
 * @param {Blob} blob
 * @param {object} options
 * @param {Readonly<Record<string, string>>} options.headers
 * @param {AbortSignal} options.signal
 * @param {(bytes: number) => void} options.onSent called with the bytes that have left so far
 * @returns {Promise<import("./server.js").Upload>} the upload afterwards
 * @throws {Problem} for an answer with an error, and with status 0 if there is none
 * @throws {DOMException} `AbortError` if the signal is aborted
 */
export function sendChunk(url, blob, { headers, signal, onSent }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    let timer = setTimeout(stop, STALLED);
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(stop, STALLED);
    };
    const ended = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      const upload = storedUpload(request);
      if (upload) connection.found();
      if (upload) resolve(upload);
      else if (signal.aborted) reject(signal.reason);
      else void problemOfRequest(request).then(reject);
    };
    request.upload.addEventListener("progress", ({ loaded }) => {
      alive();
      onSent(Math.min(loaded, blob.size));
    });
    request.addEventListener("readystatechange", alive);
    request.addEventListener("loadend", ended);
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    signal.addEventListener("abort", stop);
    if (signal.aborted) ended();
    else request.send(blob);
  });
}

/**
 * Returns the upload that an answer shows; null if it is another answer. The page with which a
 * network asks for a login has a status of success too.
 * @param {XMLHttpRequest} request
 * @returns {import("./server.js").Upload | null}
 */
function storedUpload(request) {
  if (request.status < 200 || request.status > 299) return null;
  try {
    const body = JSON.parse(request.responseText);
    return body && Array.isArray(body.missing) ? body : null;
  } catch {
    return null; // HTML
  }
}

/**
 * @param {XMLHttpRequest} request that has ended
 * @returns {Promise<Problem>}
 */
async function problemOfRequest(request) {
  if (request.status < 300) {
    connection.lost();
    return new Problem({ status: 0, type: UNREACHABLE });
  }
  const retry = request.getResponseHeader("Retry-After");
  return problemOf(
    new Response(request.responseText, {
      status: request.status,
      headers: retry === null ? {} : { "Retry-After": retry },
    }),
  );
}
