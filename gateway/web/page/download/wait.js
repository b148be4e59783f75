/**
 * Waiting in the worker. It imports nothing from outside of download/: the modules of the first view
 * are sent as one, with the page itself in it, which no worker can run.
 */

const FIRST = 500;
const MOST = 15_000;

/**
 * Resolves after a time, or when one of the signals is aborted.
 * @param {number} milliseconds
 * @param {...AbortSignal} signals
 * @returns {Promise<void>}
 */
export function waitFor(milliseconds, ...signals) {
  return new Promise((resolve) => {
    const all = AbortSignal.any(signals);
    const end = () => {
      clearTimeout(timer);
      all.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    if (all.aborted) end();
    else all.addEventListener("abort", end);
  });
}

/**
 * Returns the milliseconds to wait before a try: longer after each failure, and not the same for all
 * clients.
 * @param {number} failures from 1
 */
export function delayAfter(failures) {
  const full = Math.min(MOST, FIRST * 2 ** Math.min(failures - 1, 20));
  return full / 2 + (full / 2) * Math.random();
}
