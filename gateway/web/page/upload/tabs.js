/** How the tabs of one browser tell each other about uploads. */

import { openFile } from "./file_access.js";

/** @typedef {import("./task.js").Actor} Actor */
/** @typedef {"pause" | "resume" | "cancel" | "dismiss" | "provideFile"} Act */

/**
 * - `state`: of an upload, from its owner; with the file if another tab asked for it
 * - `gone`: an upload is off the list
 * - `joined`: uploads have got a job together
 * - `refused`: the job of uploads was refused
 * - `do`: what a person wants from an upload, to its owner
 * - `who`: a new tab wants to know about all uploads
 * @typedef {{kind: "state", snapshot: import("./task.js").Snapshot, file: File | null}
 *   | {kind: "gone", id: string}
 *   | {kind: "joined", ids: readonly string[], jobId: string}
 *   | {kind: "refused", ids: readonly string[], trouble: import("./failures.js").Trouble, detail: string}
 *   | {kind: "do", id: string, act: Act, file: File | null, handle: FileSystemFileHandle | null}
 *   | {kind: "who"}} Message
 */

const CHANNEL = "csvmill-uploads";

export class Tabs {
  #channel = new BroadcastChannel(CHANNEL);

  /** @param {(message: Message) => void} onMessage called with what other tabs tell */
  constructor(onMessage) {
    this.#channel.addEventListener("message", ({ data }) => onMessage(data));
  }

  /** @param {Message} message */
  tell(message) {
    this.#channel.postMessage(message);
  }
}

/**
 * An upload that another tab owns: what a person wants from it is told to that tab.
 * @implements {Actor}
 */
export class RemoteUpload {
  #id;
  #tabs;
  #store;

  /**
   * @param {string} id
   * @param {Tabs} tabs
   * @param {import("./store.js").Store} store
   */
  constructor(id, tabs, store) {
    this.#id = id;
    this.#tabs = tabs;
    this.#store = store;
  }

  pause() {
    this.#tell("pause");
  }

  resume() {
    void this.#resume();
  }

  cancel() {
    this.#tell("cancel");
  }

  dismiss() {
    this.#tell("dismiss");
  }

  /**
   * @param {File} file
   * @param {FileSystemFileHandle | null} handle
   */
  provideFile(file, handle) {
    this.#tell("provideFile", file, handle);
  }

  /** A browser asks for a permission only in the tab that was clicked in. It holds for all tabs. */
  async #resume() {
    const record = await this.#store.get(this.#id);
    if (record?.handle) await openFile(record.handle, true);
    this.#tell("resume");
  }

  /**
   * @param {Act} act
   * @param {File | null} [file]
   * @param {FileSystemFileHandle | null} [handle]
   */
  #tell(act, file = null, handle = null) {
    this.#tabs.tell({ kind: "do", id: this.#id, act, file, handle });
  }
}

/**
 * Does what a person wants from an upload of this tab.
 * @param {import("./task.js").Actor} upload
 * @param {Extract<Message, {kind: "do"}>} message
 */
export function obey(upload, { act, file, handle }) {
  if (act !== "provideFile") upload[act]();
  else if (file) upload.provideFile(file, handle);
}
