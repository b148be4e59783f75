/** An upload of csvmill.js: sent in chunks, paused, resumed, cancelled. */

import { ChunkSize } from "../upload/pace.js";
import { Progress } from "../upload/progress.js";
import { Sending } from "../upload/sending.js";
import { UploadOnServer } from "../upload/server.js";

/** Chunks in flight: browsers open six connections to a server over HTTP/1.1. */
const LANES = 4;

/** @typedef {import("../csvmill.d.ts").Upload} UploadOfClient */

/** @implements {UploadOfClient} */
export class Upload extends EventTarget {
  /** A UUID, by which the service knows the upload. */
  id = newId();
  /** @type {import("../csvmill.d.ts").UploadState} */
  state = "sending";
  #progress;
  #server;
  #sending;
  /** Ends what is in flight. */
  #stop = new AbortController();
  /** Continues after a pause. @type {() => void} */
  #go = () => undefined;

  /**
   * @param {File} file
   * @param {import("../csvmill.d.ts").UploadOptions} options
   */
  constructor(file, { aggregation, name = file.name, job = true, signal }) {
    super();
    const { size } = file;
    const declaration = { key: this.id, name, size, aggregation, withJob: job };
    this.size = size;
    this.#progress = new Progress(size, 0);
    this.#server = new UploadOnServer(declaration, { declared: false, received: 0 });
    this.#sending = new Sending({
      file,
      server: this.#server,
      size: new ChunkSize(),
      lanes: () => LANES,
      listener: {
        looked: ({ received_bytes }) => {
          this.#progress.reset(received_bytes, performance.now());
          this.#become("sending");
        },
        flying: ([start], bytes) => {
          this.#progress.flying(start, bytes, performance.now());
          this.#tell();
        },
        landed: (range, stored) => {
          this.#progress.landed(range, stored, performance.now());
          this.#tell();
        },
        waiting: () => this.#become("waiting"),
      },
    });
    /** @type {Promise<import("../csvmill.d.ts").Sent>} */
    this.done = this.#run();
    this.done.catch(() => undefined); // what waits for it gets the error
    signal?.addEventListener("abort", () => void this.cancel(), { once: true });
    if (signal?.aborted) void this.cancel();
  }

  /** Bytes that were stored, or have left. */
  get sent() {
    return this.#progress.sent;
  }

  /** Stops sending. Chunks in flight are sent again later. */
  pause() {
    if (this.state !== "sending" && this.state !== "waiting") return;
    this.#become("paused");
    this.#stop.abort();
  }

  /** Continues after a pause, or tries again now instead of after a wait. */
  resume() {
    if (this.state === "waiting") this.#sending.hurry();
    if (this.state === "paused") this.#go();
  }

  /** Ends the upload, and removes from the service what has arrived. `done` is rejected. */
  async cancel() {
    if (["done", "failed", "cancelled"].includes(this.state)) return;
    this.#become("cancelled");
    this.#stop.abort();
    this.#go();
    await this.#server.removeAtLast();
  }

  async #run() {
    for (;;) {
      const { signal } = this.#stop;
      try {
        const jobId = await this.#sending.run(signal);
        this.#progress.reset(this.size, performance.now());
        this.#become("done");
        return { uploadId: this.id, jobId };
      } catch (error) {
        if (this.state === "cancelled") throw new DOMException("cancelled", "AbortError");
        if (!signal.aborted) {
          this.#become("failed");
          throw error;
        }
      }
      if (this.state === "paused") await new Promise((resolve) => (this.#go = () => resolve(null)));
      if (/** @type {string} */ (this.state) === "cancelled") {
        throw new DOMException("cancelled", "AbortError");
      }
      this.#stop = new AbortController();
      this.#progress.reset(this.#progress.stored, performance.now());
      this.#become("sending");
    }
  }

  /** @param {import("../csvmill.d.ts").UploadState} state */
  #become(state) {
    if (this.state === "cancelled" || (this.state === "paused" && state === "waiting")) return;
    this.state = state;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("progress"));
  }
}

/** Returns a UUID. `crypto.randomUUID` exists only on secure pages. */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
}
