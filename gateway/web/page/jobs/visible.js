/** Whether a person can see the page. */

/**
 * Resolves when the page can be seen: at once, unless its tab is in the background.
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function untilVisible(signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    if (!document.hidden) {
      resolve();
      return;
    }
    const end = new AbortController();
    const done = () => {
      if (!signal.aborted && document.hidden) return;
      end.abort();
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    document.addEventListener("visibilitychange", done, { signal: end.signal });
    signal.addEventListener("abort", done, { signal: end.signal });
  });
}
