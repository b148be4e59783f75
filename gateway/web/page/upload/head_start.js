/** Watches how far the server has aggregated a file while it receives it. */

import { Problem } from "../api/problem.js";
import { isAbort, pause } from "../core/wait.js";

const INTERVAL = 2000;

/**
 * Tells how far the file was aggregated, every two seconds while the page is visible.
 * @param {import("./server.js").UploadOnServer} server
 * @param {AbortSignal} signal ends it
 * @param {(headStart: import("./server.js").HeadStart) => void} onHeadStart
 * @returns {Promise<void>} resolved when it has ended
 */
export async function watchHeadStart(server, signal, onHeadStart) {
  for (;;) {
    try {
      await pause(INTERVAL, signal);
      const headStart = document.hidden ? null : await server.headStart(signal);
      if (headStart) onHeadStart(headStart);
      if (headStart?.ended) return;
    } catch (error) {
      if (isAbort(error)) return;
      // A server that does not answer is noticed by the next chunk.
      if (!(error instanceof Problem)) throw error;
    }
  }
}
