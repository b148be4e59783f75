/** One upload, as every tab shows it. */

/** @typedef {import("./failures.js").Trouble} Trouble */

/**
 * - `waiting`: for its turn
 * - `sending`
 * - `paused`: by a person
 * - `offline`: waits for the server or the connection, and resumes by itself
 * - `needs-file`: a person has to allow reading the file, or to choose it again
 * - `arrived`: it waits for other files, with which it gets a job
 * - `done`: it has arrived, and has a job
 * - `failed`: see `problem`
 * - `cancelled`
 * @typedef {"waiting" | "sending" | "paused" | "offline" | "needs-file" | "arrived" | "done"
 *   | "failed" | "cancelled"} UploadState
 */

/**
 * What went wrong.
 * @typedef {object} UploadProblem
 * @property {Trouble} trouble
 * @property {string} detail what the server says about it, else empty
 * @property {number} until when it is tried again, in milliseconds since 1970; 0 if that is not known
 */

/**
 * What is known of an upload at one moment.
 * @typedef {object} Snapshot
 * @property {string} id
 * @property {string} name
 * @property {number} size bytes
 * @property {number} added when, in milliseconds since 1970
 * @property {UploadState} state
 * @property {number} sent bytes that were stored, or have left
 * @property {number | null} bytesPerSecond null if it is not known
 * @property {number | null} secondsLeft null if it is not known
 * @property {string | null} jobId
 * @property {UploadProblem | null} problem
 * @property {import("./server.js").HeadStart | null} headStart
 * @property {boolean} together whether it gets a job with other files
 * @property {boolean} hasHandle whether the browser can open the file again, once it is allowed to
 */

/**
 * What a person can do with an upload.
 * @typedef {object} Actor
 * @property {() => void} pause
 * @property {() => void} resume
 * @property {() => void} cancel
 * @property {() => void} dismiss
 * @property {(file: File, handle: FileSystemFileHandle | null) => void} provideFile
 */

export class UploadTask {
  #snapshot;
  #actor;

  /**
   * @param {Snapshot} snapshot
   * @param {Actor} actor
   * @param {boolean} here whether this tab owns it
   */
  constructor(snapshot, actor, here) {
    this.#snapshot = snapshot;
    this.#actor = actor;
    this.here = here;
  }

  /** What is known of it now. @returns {Readonly<Snapshot>} */
  get snapshot() {
    return this.#snapshot;
  }

  get id() {
    return this.#snapshot.id;
  }

  get name() {
    return this.#snapshot.name;
  }

  /** Bytes of the file. */
  get size() {
    return this.#snapshot.size;
  }

  /** Bytes that were stored, or have left. */
  get sent() {
    return this.#snapshot.sent;
  }

  get bytesPerSecond() {
    return this.#snapshot.bytesPerSecond;
  }

  get secondsLeft() {
    return this.#snapshot.secondsLeft;
  }

  get state() {
    return this.#snapshot.state;
  }

  /** The id of its job, once it has arrived. */
  get jobId() {
    return this.#snapshot.jobId;
  }

  get problem() {
    return this.#snapshot.problem;
  }

  /** Stops sending. Chunks in flight are sent again later. */
  pause() {
    this.#actor.pause();
  }

  /** Resumes: after a pause or a failure, or now instead of after a wait. */
  resume() {
    this.#actor.resume();
  }

  /** Stops it, and removes from the server what has arrived. */
  cancel() {
    this.#actor.cancel();
  }

  /** Takes it off the list. An upload that has not arrived is cancelled. */
  dismiss() {
    this.#actor.dismiss();
  }

  /**
   * Gives the file that it needs. Another file is refused: see `problem`.
   * @param {File} file
   * @param {FileSystemFileHandle | null} [handle] where the browser gives one
   */
  provideFile(file, handle = null) {
    this.#actor.provideFile(file, handle);
  }

  /**
   * Called by the queue.
   * @param {Snapshot} snapshot
   */
  show(snapshot) {
    this.#snapshot = snapshot;
  }

  /**
   * Called by the queue when another tab, or this one, becomes the owner.
   * @param {Actor} actor
   * @param {boolean} here whether it is this one
   */
  obey(actor, here) {
    this.#actor = actor;
    this.here = here;
  }
}
