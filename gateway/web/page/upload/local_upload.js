/** An upload that this tab owns and sends. */

import { Problem } from "../api/problem.js";
import { isAbort } from "../core/wait.js";
import { openFile } from "./file_access.js";
import { watchHeadStart } from "./head_start.js";
import { ChunkSize } from "./pace.js";
import { Progress } from "./progress.js";
import { differenceBetween, likenessIfReadable } from "./recognition.js";
import { Sending, Stopped } from "./sending.js";
import { jobIdOf, UploadOnServer } from "./server.js";

/** @typedef {import("./failures.js").Trouble} Trouble */
/** @typedef {import("./store.js").UploadRecord} UploadRecord */
/** @typedef {import("./task.js").Actor} Actor */
/** @typedef {import("./task.js").Snapshot} Snapshot */
/** @typedef {import("./task.js").UploadState} UploadState */

/** Bytes from which the server may aggregate a file while it receives it. */
const HEAD_START = 64 * 1024 * 1024;

/** What an upload is until its owner has taken it up. */
const STATES = /** @type {const} */ ({
  going: "waiting",
  paused: "paused",
  failed: "failed",
  cancelled: "cancelled",
  arrived: "arrived",
});

/**
 * What an upload needs from the queue.
 * @typedef {object} Surroundings
 * @property {import("./store.js").Store} store
 * @property {Readonly<import("./pace.js").Pace>} pace
 * @property {() => number} lanes how many chunks may be in flight
 * @property {() => void} changed called when the upload has another snapshot
 * @property {() => void} arrived called when the upload waits for the others of its bundle
 * @property {() => void} ended called when the upload is off the list
 */

/** @implements {Actor} */
export class LocalUpload {
  #record;
  #file;
  #around;
  #server;
  #size;
  #progress;
  /** @type {UploadState} */
  #state;
  /** @type {import("./task.js").UploadProblem | null} */
  #problem = null;
  /** @type {string | null} */
  #jobId = null;
  /** @type {import("./server.js").HeadStart | null} */
  #headStart = null;
  /** @type {Sending | null} */
  #sending = null;
  /** Whether the server may know the upload. */
  #asked;
  /** Whether nothing of it is kept any more. */
  #gone = false;
  /** Ends what is being done now. */
  #stop = new AbortController();

  /**
   * @param {UploadRecord} record
   * @param {File | null} file
   * @param {Surroundings} around
   */
  constructor(record, file, around) {
    // A record of an earlier version of the page has no bundle.
    this.#record = { ...record, bundle: record.bundle ?? null };
    this.#file = file;
    this.#around = around;
    this.#size = new ChunkSize(around.pace);
    this.#progress = new Progress(record.likeness.size, record.sent);
    this.#server = this.#serverOf(record.declared);
    this.#asked = record.declared || file === null;
    this.#state = STATES[record.wish];
  }

  /** @returns {Snapshot} */
  get snapshot() {
    const { id, added, likeness, handle, bundle } = this.#record;
    const sending = this.#state === "sending";
    const rate = sending ? this.#progress.rate(performance.now()) : null;
    return {
      id,
      name: likeness.name,
      size: likeness.size,
      added,
      state: this.#state,
      sent: this.#progress.sent,
      bytesPerSecond: rate?.bytesPerSecond ?? null,
      secondsLeft: rate?.secondsLeft ?? null,
      jobId: this.#jobId,
      problem: this.#problem,
      headStart: this.#headStart,
      together: bundle !== null,
      hasHandle: handle !== null,
    };
  }

  /** The file, if this page can read it: for other tabs. */
  get file() {
    return this.#file;
  }

  /**
   * Keeps what the file looks like, so that it is recognised later.
   * @returns {Promise<void>}
   */
  async remember() {
    const file = this.#file;
    const likeness = file && (await likenessIfReadable(file));
    if (likeness) await this.#keep({ likeness });
    else if (!this.#gone) this.#become("needs-file", "unreadable");
  }

  /** The files that get one job with this one; null if it has its own. */
  get bundle() {
    return this.#record.bundle;
  }

  /**
   * Tells that the job of the bundle was created.
   * @param {string} jobId
   */
  async join(jobId) {
    this.#jobId = jobId;
    await this.#finish();
  }

  /**
   * Tells that the job of the bundle was refused.
   * @param {Trouble} trouble
   * @param {string} detail what the server says about it
   */
  async refuse(trouble, detail) {
    await this.#keep({ wish: "failed", trouble, detail });
    this.#become("failed", trouble, detail);
  }

  /** Takes up what the record wishes, after the page was loaded or another tab was closed. */
  async restore() {
    const { wish, trouble, detail } = this.#record;
    if (wish === "cancelled") await this.#remove();
    else if (wish === "failed") this.#become("failed", trouble ?? "fault", detail);
    else if (wish === "arrived" || (await this.#hasArrived())) await this.#settle();
    else if (wish === "paused") this.#become("paused");
    else await this.#findFile(false);
  }

  /** Sends the file, which has its turn. Resolves when it has ended or waits for a person. */
  async send() {
    if (!this.#file) return;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#asked = true;
    this.#become("sending");
    this.#progress.reset(this.#progress.stored, performance.now());
    if (this.#file.size >= HEAD_START) this.#watchHeadStart(signal);
    this.#sending = this.#sendingOf(this.#file);
    try {
      this.#jobId = await this.#sending.run(signal);
      this.#stop.abort();
      await this.#settle();
    } catch (error) {
      if (!signal.aborted) await this.#giveUp(error);
      else if (!isAbort(error)) throw error;
    } finally {
      this.#sending = null;
    }
  }

  pause() {
    if (!["waiting", "sending", "offline"].includes(this.#state)) return;
    this.#halt();
    void this.#keep({ wish: "paused" });
    this.#become("paused");
  }

  resume() {
    if (this.#state === "offline") this.#sending?.hurry();
    else if (["paused", "failed", "needs-file"].includes(this.#state)) void this.#goOn();
  }

  cancel() {
    if (["done", "cancelled"].includes(this.#state)) return;
    this.#halt();
    void this.#remove();
  }

  dismiss() {
    if (this.#state === "done") this.#around.ended();
    else this.cancel();
  }

  /**
   * @param {File} file
   * @param {FileSystemFileHandle | null} handle
   */
  provideFile(file, handle) {
    if (["needs-file", "paused", "failed"].includes(this.#state)) void this.#accept(file, handle);
  }

  /** @param {boolean} declared whether the server knows the upload */
  #serverOf(declared) {
    const { id, likeness, aggregation, sent, bundle } = this.#record;
    const { name, size } = likeness;
    return new UploadOnServer(
      { key: id, name, size, aggregation, withJob: bundle === null },
      { declared, received: sent },
    );
  }

  /** @param {File} file */
  #sendingOf(file) {
    const now = () => performance.now();
    return new Sending({
      file,
      server: this.#server,
      size: this.#size,
      lanes: this.#around.lanes,
      listener: {
        looked: ({ received_bytes }) => {
          this.#progress.reset(received_bytes, now());
          void this.#keep({ declared: true, sent: received_bytes, wish: "going" });
          this.#become("sending");
        },
        flying: ([start], bytes) => {
          this.#progress.flying(start, bytes, now());
          this.#around.changed();
        },
        landed: (range, stored) => {
          this.#progress.landed(range, stored, now());
          this.#around.changed();
        },
        waiting: (trouble, detail, until) => this.#become("offline", trouble, detail, until),
      },
    });
  }

  /** @param {AbortSignal} signal */
  #watchHeadStart(signal) {
    void watchHeadStart(this.#server, signal, (headStart) => {
      this.#headStart = headStart;
      this.#around.changed();
    });
  }

  /**
   * Asks whether the last bytes had arrived before the page was left.
   * @returns {Promise<boolean>}
   */
  async #hasArrived() {
    if (!this.#record.declared) return false;
    try {
      const { received_bytes, job, complete } = await this.#server.look();
      this.#progress.reset(received_bytes, performance.now());
      this.#jobId = job && jobIdOf(job);
      if (complete && this.#record.bundle) return true;
    } catch (error) {
      // A server that does not answer, or has lost the upload, is noticed when it is sent.
      if (!(error instanceof Problem)) throw error;
    }
    return this.#jobId !== null;
  }

  /** It has arrived: with its job, or to wait for the others of its bundle. */
  async #settle() {
    if (this.#jobId !== null) {
      await this.#finish();
      return;
    }
    const { size } = this.#record.likeness;
    this.#progress.reset(size, performance.now());
    await this.#keep({ wish: "arrived", declared: true, sent: size, trouble: null, detail: "" });
    this.#become("arrived");
    this.#around.arrived();
  }

  async #finish() {
    this.#progress.reset(this.#record.likeness.size, performance.now());
    await this.#drop();
    this.#become("done");
  }

  /** @param {unknown} error */
  async #giveUp(error) {
    this.#stop.abort();
    if (!(error instanceof Stopped)) {
      this.#become("failed", "fault", error instanceof Error ? error.message : String(error));
      throw error;
    }
    const { trouble, detail } = error;
    if (trouble === "unreadable") {
      this.#file = null;
      await this.#keep({ sent: this.#progress.stored });
      this.#become("needs-file", trouble);
      return;
    }
    await this.#keep({ wish: "failed", trouble, detail, sent: this.#progress.stored });
    this.#become("failed", trouble, detail);
  }

  async #goOn() {
    if (this.#record.trouble === "lost") {
      this.#server = this.#serverOf(false);
      this.#progress.reset(0, performance.now());
      await this.#keep({ declared: false, sent: 0 });
    }
    await this.#keep({ wish: "going", trouble: null, detail: "" });
    if (this.#record.bundle && (await this.#hasArrived())) await this.#settle();
    else if (this.#file) this.#become("waiting");
    else await this.#findFile(true);
  }

  /** @param {boolean} ask whether a person may be asked for the permission to read the file */
  async #findFile(ask) {
    const { handle } = this.#record;
    if (this.#file) await this.#accept(this.#file, handle);
    else if (!handle) this.#become("needs-file");
    else await this.#open(handle, ask);
  }

  /**
   * @param {FileSystemFileHandle} handle
   * @param {boolean} ask
   */
  async #open(handle, ask) {
    try {
      const file = await openFile(handle, ask);
      if (file) await this.#accept(file, handle);
      else this.#become("needs-file", ...(ask ? /** @type {const} */ (["denied"]) : []));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      await this.#keep({ handle: null }); // the file was removed or renamed
      this.#become("needs-file", "unreadable");
    }
  }

  /**
   * @param {File} file
   * @param {FileSystemFileHandle | null} handle
   */
  async #accept(file, handle) {
    const likeness = await likenessIfReadable(file);
    const difference = likeness && differenceBetween(this.#record.likeness, likeness);
    if (!likeness || difference) {
      this.#become("needs-file", difference ?? "unreadable");
      return;
    }
    this.#file = file;
    await this.#keep({ wish: "going", trouble: null, detail: "", handle });
    this.#become("waiting");
  }

  /** Removes the upload from the server, however long that takes, and from the list. */
  async #remove() {
    this.#become("cancelled");
    await this.#keep({ wish: "cancelled" });
    this.#around.ended();
    if (this.#record.bundle) this.#around.arrived(); // the others no longer wait for it
    if (this.#asked) await this.#server.removeAtLast();
    await this.#drop();
  }

  #halt() {
    this.#stop.abort();
    this.#progress.reset(this.#progress.stored, performance.now());
  }

  /** Forgets what is kept. */
  async #drop() {
    this.#gone = true;
    await this.#around.store.remove(this.#record.id);
  }

  /** @param {Partial<UploadRecord>} changes */
  async #keep(changes) {
    if (this.#gone) return;
    this.#record = { ...this.#record, ...changes };
    await this.#around.store.put(this.#record);
  }

  /**
   * @param {UploadState} state
   * @param {Trouble} [trouble]
   * @param {string} [detail]
   * @param {number} [until]
   */
  #become(state, trouble, detail = "", until = 0) {
    this.#state = state;
    this.#problem = trouble ? { trouble, detail, until } : null;
    this.#around.changed();
  }
}
