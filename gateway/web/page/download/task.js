/** Downloads as the page sees them. Each runs in a worker, and continues when another view is shown. */

import { currentKey } from "../api/key.js";
import { Meter } from "./meter.js";
import { bytesOf } from "./ranges.js";
import { getRecord, putRecord, removeRecord } from "./records.js";

/** @typedef {import("./worker.js").State} WorkerState */
/** @typedef {import("./worker.js").Report} Report */

/**
 * The file to download.
 * @typedef {object} FileToGet
 * @property {string} url
 * @property {string} name
 * @property {number} size bytes
 * @property {string} sha256 in lower-case hexadecimal
 */

/** After these reports the worker is done. @type {ReadonlySet<WorkerState>} */
const LAST = new Set(["missing", "paused", "cancelled", "verified", "ended"]);
/** States in which bytes move. */
const MOVING = new Set(["downloading", "checking"]);

/** One download. Dispatches `change`. */
export class DownloadTask extends EventTarget {
  #file;
  /** @type {Worker | null} */
  #worker = null;
  #meter = new Meter();

  /** @type {"idle" | WorkerState} */
  state = "idle";
  /** Bytes that have arrived; while it is checked, those that are checked. */
  bytes = 0;
  /** Why it has ended. @type {import("./outcome.js").Reason | null} */
  reason = null;
  /** What the server or the browser said about that. */
  detail = "";

  /** @param {FileToGet} file */
  constructor(file) {
    super();
    this.#file = file;
  }

  /** The file. */
  get file() {
    return this.#file;
  }

  /** Bytes per second; null if that is not known. */
  get rate() {
    return this.#meter.rate;
  }

  /** Seconds until all bytes have arrived; null if that is not known. */
  get secondsLeft() {
    return this.#meter.secondsLeft(this.#file.size - this.bytes);
  }

  /**
   * Takes up what an earlier page, or another tab, has begun: resumes, unless it was paused.
   * Something that was begun with another result is removed.
   */
  async restore() {
    const record = await getRecord(this.#file.url);
    if (!record || this.state !== "idle") return;
    if (record.sha256 !== this.#file.sha256) {
      await removeRecord(record);
    } else if (record.paused) {
      this.#show({ state: "paused", bytes: bytesOf(record.arrived) });
    } else {
      this.#run();
    }
  }

  /**
   * Begins.
   * @param {FileSystemFileHandle} handle the person's file
   */
  start(handle) {
    const { url, name, size, sha256 } = this.#file;
    this.#run({
      id: url,
      file: crypto.randomUUID(),
      name: handle.name || name,
      size,
      sha256,
      handle,
      arrived: [],
      paused: false,
      usedAt: Date.now(),
    });
  }

  /** Stops. What has arrived is kept. */
  pause() {
    this.#worker?.postMessage({ type: "pause" });
  }

  /** Resumes after `pause`, or after a failure. */
  async resume() {
    const record = await getRecord(this.#file.url);
    if (!record) return this.#show({ state: "missing", bytes: 0 });
    await putRecord({ ...record, paused: false });
    this.#run();
  }

  /** Stops, and removes what has arrived. */
  async cancel() {
    if (this.#worker) {
      this.#worker.postMessage({ type: "cancel" });
      return;
    }
    const record = await getRecord(this.#file.url);
    if (record) await removeRecord(record);
    this.#show({ state: "cancelled", bytes: 0 });
  }

  /** Tries again at once while there is no connection. */
  wake() {
    this.#worker?.postMessage({ type: "wake" });
  }

  /**
   * Asks the browser to allow the page to save. Call it when a button is pressed.
   * @returns {Promise<boolean>} whether it is allowed
   */
  async allow() {
    const record = await getRecord(this.#file.url);
    if (!record) return false;
    const handle =
      /** @type {{requestPermission: (about: {mode: string}) => Promise<PermissionState>}} */ (
        /** @type {unknown} */ (record.handle)
      );
    const allowed = (await handle.requestPermission({ mode: "readwrite" })) === "granted";
    if (allowed) this.#worker?.postMessage({ type: "save" });
    return allowed;
  }

  /**
   * Continues with another file of the person.
   * @param {FileSystemFileHandle} handle
   */
  async moveTo(handle) {
    const record = await getRecord(this.#file.url);
    if (!record) return this.start(handle);
    await putRecord({ ...record, handle, name: handle.name });
    this.#run();
  }

  /** @param {import("./records.js").DownloadRecord} [record] of a download that begins */
  #run(record) {
    this.#worker?.terminate();
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.#worker = worker;
    worker.onmessage = (/** @type {MessageEvent<Report>} */ { data }) => this.#show(data);
    worker.onerror = (event) =>
      this.#show({ state: "ended", bytes: this.bytes, reason: "failed", detail: event.message });
    worker.postMessage({ type: "start", id: this.#file.url, key: currentKey(), record });
    this.#show({ state: "downloading", bytes: this.bytes });
  }

  /** @param {Report} report */
  #show({ state, bytes, reason, detail }) {
    if (!MOVING.has(state) || state !== this.state) this.#meter.reset();
    this.#meter.add(bytes, performance.now());
    this.state = state;
    this.bytes = bytes;
    this.reason = reason ?? null;
    this.detail = detail ?? "";
    if (LAST.has(state)) {
      this.#worker?.terminate();
      this.#worker = null;
    }
    this.dispatchEvent(new Event("change"));
  }
}

/** @type {Map<string, DownloadTask>} */
const tasks = new Map();

/**
 * Returns the download of a file, the same one each time.
 * @param {FileToGet} file
 */
export function taskOf(file) {
  const found = tasks.get(file.url);
  if (found && found.file.sha256 === file.sha256) return found;
  const task = new DownloadTask(file);
  tasks.set(file.url, task);
  return task;
}

/** Whether this browser can download in parts, check them, and write a file that a person chooses. */
export function canDownloadInParts() {
  return (
    globalThis.isSecureContext &&
    "showSaveFilePicker" in globalThis &&
    "locks" in navigator &&
    "getDirectory" in (navigator.storage ?? {})
  );
}
