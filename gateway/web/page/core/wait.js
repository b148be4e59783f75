/** Waiting that can be ended. */

/**
 * Resolves after a time; rejects with the signal's reason when it is aborted.
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/**
 * Returns how long to wait before a try: longer after each failure, and not the same for all clients.
 * @param {number} failures how many tries have failed, from 1
 * @param {{first?: number, most?: number, random?: () => number}} [options] in milliseconds
 */
export function backoff(failures, { first = 500, most = 15_000, random = Math.random } = {}) {
  const full = Math.min(most, first * 2 ** Math.min(failures - 1, 20));
  return full / 2 + (full / 2) * random();
}

/** Whether an error only says that a signal was aborted. @param {unknown} error */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}
