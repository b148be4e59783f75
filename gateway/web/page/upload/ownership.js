/** Which of several tabs sends an upload. One owns it; if that tab is closed, another does. */

const PREFIX = "csvmill-upload-";
const CHANNEL = "csvmill-upload-owners";
/** Milliseconds in which another tab answers that it owns an upload. */
const ANSWER = 500;

/**
 * Owns an upload as soon as no other tab does.
 * @param {string} id of the upload
 * @param {AbortSignal} signal gives the upload up
 * @returns {Promise<void>} resolved when this tab owns it; never if the signal is aborted before
 */
export function own(id, signal) {
  // Pages that are not secure have no locks.
  return navigator.locks ? ownByLock(id, signal) : ownByQuestion(id, signal);
}

/**
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function ownByLock(id, signal) {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(PREFIX + id, { signal }, () => {
        resolve();
        return new Promise((release) => signal.addEventListener("abort", () => release(null)));
      })
      .catch((error) => {
        if (!signal.aborted) reject(error);
      });
  });
}

/**
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function ownByQuestion(id, signal) {
  const channel = new BroadcastChannel(CHANNEL);
  let owned = false;
  return new Promise((resolve) => {
    let timer = 0;
    const take = () => {
      owned = true;
      resolve();
    };
    const ask = () => {
      clearTimeout(timer);
      channel.postMessage({ kind: "whose", id });
      timer = setTimeout(take, ANSWER);
    };
    channel.addEventListener("message", ({ data }) => {
      if (data.id !== id) return;
      if (owned && data.kind === "whose") channel.postMessage({ kind: "mine", id });
      else if (!owned && data.kind === "mine") clearTimeout(timer);
      // Several tabs may wait. The first to ask is the owner before the last one has asked.
      else if (!owned && data.kind === "free") timer = setTimeout(ask, Math.random() * 10 * ANSWER);
    });
    const leave = () => {
      clearTimeout(timer);
      if (owned) channel.postMessage({ kind: "free", id });
      owned = false;
      channel.close();
    };
    signal.addEventListener("abort", leave);
    addEventListener("pagehide", leave, { signal });
    ask();
  });
}
