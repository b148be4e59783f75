/**
 * Whether the server answers. After a request without an answer the page asks again and again until
 * there is one, and tells whoever waits for it.
 */

import { backoff, pause } from "../core/wait.js";
import { serviceUrl } from "./service.js";

/** @typedef {"online" | "offline" | "away"} ConnectionState */

const TIMEOUT = 8000;

class Connection extends EventTarget {
  /** @type {ConnectionState} */
  #state = "online";
  #checking = false;
  /** Ends the present pause between two checks. */
  #hurry = new AbortController();

  /** `offline`: the machine has no network. `away`: the server does not answer. */
  get state() {
    return this.#state;
  }

  /** When the next check begins, in milliseconds of `Date.now()`; 0 if none is planned. */
  nextCheck = 0;

  /** Tells that a request had no answer. */
  lost() {
    this.#become(navigator.onLine ? "away" : "offline");
    if (!this.#checking) void this.#check();
  }

  /** Tells that a request was answered. */
  found() {
    this.#become("online");
  }

  /** Checks now. */
  retry() {
    this.#hurry.abort();
  }

  /** Checks a server that may be on this machine, although the network is gone. */
  async doubt() {
    if (!this.#checking && !(await answers())) this.lost();
  }

  /**
   * Resolves when the server answers: at once, unless a request had no answer.
   * @param {AbortSignal} [signal]
   * @returns {Promise<void>}
   */
  restored(signal) {
    return new Promise((resolve, reject) => {
      if (this.#state === "online") {
        resolve();
        return;
      }
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const end = new AbortController();
      this.addEventListener(
        "change",
        () => {
          if (this.#state !== "online") return;
          end.abort();
          resolve();
        },
        { signal: end.signal },
      );
      signal?.addEventListener(
        "abort",
        () => {
          end.abort();
          reject(signal.reason);
        },
        { signal: end.signal },
      );
    });
  }

  /** @param {ConnectionState} state */
  #become(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new Event("change"));
  }

  async #check() {
    this.#checking = true;
    for (let failures = 1; this.#state !== "online"; failures += 1) {
      const wait = backoff(failures, { first: 1000 });
      this.nextCheck = Date.now() + wait;
      this.#hurry = new AbortController();
      await pause(wait, this.#hurry.signal).catch(() => undefined);
      this.nextCheck = 0;
      if (await answers()) this.found();
      else this.#become(navigator.onLine ? "away" : "offline");
    }
    this.#checking = false;
  }
}

/** Whether the server answers a check of its health. */
async function answers() {
  try {
    const url = new URL("healthz", serviceUrl());
    const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT) });
    return response.ok;
  } catch {
    return false;
  }
}

/** The connection to the server. Dispatches `change`. */
export const connection = new Connection();

/** Notices the network coming and going before a request fails. Called once by the page. */
export function watchNetwork() {
  addEventListener("offline", () => void connection.doubt());
  addEventListener("online", () => connection.retry());
}
