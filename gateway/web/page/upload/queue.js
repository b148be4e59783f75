/** The uploads of this browser: those that this tab sends, and those of other tabs. */

import { Bundles } from "./bundles.js";
import { LocalUpload } from "./local_upload.js";
import { own } from "./ownership.js";
import { PACE } from "./pace.js";
import { Store } from "./store.js";
import { obey, RemoteUpload, Tabs } from "./tabs.js";
import { UploadTask } from "./task.js";

/** @typedef {import("./store.js").UploadRecord} UploadRecord */
/** @typedef {import("./task.js").Snapshot} Snapshot */

/** How many files are sent at once. A small one does not wait for a large one. */
const FILES = 2;
/** How many chunks are in flight. Browsers open six connections to a server over HTTP/1.1. */
const CHUNKS = 4;
/** Milliseconds between two messages to other tabs about an upload. */
const TELL = 250;

/** Dispatches `change` whenever a task has changed, joined or left. */
class Uploads extends EventTarget {
  #store = new Store();
  #tabs = new Tabs((message) => this.#hear(message));
  #bundles = new Bundles(this.#store, {
    joined: (ids, jobId) => this.#settle({ kind: "joined", ids, jobId }),
    refused: (ids, trouble, detail) => this.#settle({ kind: "refused", ids, trouble, detail }),
  });
  /** @type {Map<string, UploadTask>} */
  #tasks = new Map();
  /** The uploads of this tab. @type {Map<string, LocalUpload>} */
  #own = new Map();
  /** Those that are being sent. @type {Set<string>} */
  #sending = new Set();
  /** Gives up the ownership of an upload. @type {Map<string, AbortController>} */
  #claims = new Map();
  /** The files of other tabs' uploads. @type {Map<string, File>} */
  #files = new Map();
  /** Uploads of which other tabs are to be told. @type {Set<string>} */
  #untold = new Set();
  /** @type {Promise<void> | null} */
  #opening = null;

  /** How large the chunks of uploads are that are added from now on. */
  pace = PACE;

  /** All uploads, in the order in which they were added. @returns {readonly UploadTask[]} */
  get tasks() {
    return [...this.#tasks.values()].sort((a, b) => a.snapshot.added - b.snapshot.added);
  }

  /** Takes up what was not finished when the page was left. @returns {Promise<void>} */
  open() {
    this.#opening ??= this.#restore();
    return this.#opening;
  }

  /**
   * Adds a file to the queue.
   * @param {object} what
   * @param {File} what.file
   * @param {FileSystemFileHandle | null} [what.handle] by which a restarted browser finds the file
   * @param {unknown} [what.aggregation] what to compute; null is the sum of plays by song and date
   * @returns {UploadTask}
   */
  add({ file, handle = null, aggregation = null }) {
    const { record, upload, task } = this.#make(file, handle, aggregation, null);
    void own(record.id, this.#claim(record.id)).then(() => this.#begin(record, upload, file));
    return task;
  }

  /**
   * Adds files that get one job together, in this order.
   * @param {readonly {file: File, handle: FileSystemFileHandle | null}[]} given
   * @param {unknown} aggregation what to compute of all of them
   * @returns {UploadTask[]}
   */
  addTogether(given, aggregation) {
    const id = newId();
    const made = given.map(({ file, handle }, position) => ({
      file,
      ...this.#make(file, handle, aggregation, { id, position }),
    }));
    void this.#beginTogether(made);
    return made.map(({ task }) => task);
  }

  /** @param {readonly {record: UploadRecord, upload: LocalUpload, file: File}[]} made */
  async #beginTogether(made) {
    await Promise.all(made.map(({ record }) => own(record.id, this.#claim(record.id))));
    // All are known before the first one can have arrived.
    await Promise.all(made.map(({ record }) => this.#store.put(record)));
    await Promise.all(made.map(({ record, upload, file }) => this.#begin(record, upload, file)));
  }

  /**
   * @param {File} file
   * @param {FileSystemFileHandle | null} handle
   * @param {unknown} aggregation
   * @param {import("./store.js").Bundle | null} bundle
   */
  #make(file, handle, aggregation, bundle) {
    const { name, size, lastModified } = file;
    /** @type {UploadRecord} */
    const record = {
      id: newId(),
      added: this.#later(),
      likeness: { name, size, lastModified, digest: null },
      aggregation,
      bundle,
      handle,
      declared: false,
      sent: 0,
      wish: "going",
      trouble: null,
      detail: "",
    };
    const upload = this.#local(record, file);
    return { record, upload, task: this.#show(upload.snapshot, upload) };
  }

  /**
   * Sends an upload that this tab owns.
   * @param {UploadRecord} record
   * @param {LocalUpload} upload
   * @param {File} file
   */
  async #begin(record, upload, file) {
    this.#own.set(record.id, upload);
    this.#tabs.tell({ kind: "state", snapshot: upload.snapshot, file });
    await upload.remember();
    this.#next();
  }

  async #restore() {
    for (const record of await this.#store.all()) {
      if (!this.#tasks.has(record.id)) this.#adopt(record);
    }
    this.#tabs.tell({ kind: "who" });
  }

  /**
   * Shows an upload of another tab, or of none; owns it as soon as no other tab does.
   * @param {UploadRecord} record
   */
  #adopt(record) {
    const { id } = record;
    if (record.wish !== "cancelled") {
      const known = this.#local(record, null).snapshot;
      this.#show(known, new RemoteUpload(id, this.#tabs, this.#store));
    }
    void this.#inherit(id);
  }

  /** @param {string} id */
  async #inherit(id) {
    await own(id, this.#claim(id));
    const record = await this.#store.get(id); // as its last owner left it
    if (!record) {
      this.#leave(id);
      return;
    }
    const upload = this.#local(record, this.#files.get(id) ?? null);
    this.#files.delete(id);
    this.#own.set(id, upload);
    if (record.wish !== "cancelled") this.#show(upload.snapshot, upload);
    await upload.restore();
    this.#next();
  }

  /**
   * @param {UploadRecord} record
   * @param {File | null} file
   */
  #local(record, file) {
    const upload = new LocalUpload(record, file, {
      store: this.#store,
      pace: this.pace,
      lanes: () => Math.max(1, Math.floor(CHUNKS / Math.max(1, this.#sending.size))),
      changed: () => this.#changed(record.id),
      arrived: () => {
        if (record.bundle) void this.#bundles.check(record.bundle.id);
      },
      ended: () => this.#leave(record.id),
    });
    return upload;
  }

  /**
   * Tells uploads what has become of their job: here, and in other tabs.
   * @param {Extract<import("./tabs.js").Message, {kind: "joined" | "refused"}>} message
   */
  #settle(message) {
    this.#tabs.tell(message);
    this.#hear(message);
  }

  /** @param {string} id */
  #claim(id) {
    const claim = new AbortController();
    this.#claims.set(id, claim);
    return claim.signal;
  }

  /**
   * @param {Snapshot} snapshot
   * @param {import("./task.js").Actor} actor
   */
  #show(snapshot, actor) {
    const here = actor instanceof LocalUpload;
    let task = this.#tasks.get(snapshot.id);
    if (task) {
      task.show(snapshot);
      task.obey(actor, here);
    } else {
      task = new UploadTask(snapshot, actor, here);
      this.#tasks.set(snapshot.id, task);
    }
    this.dispatchEvent(new Event("change"));
    return task;
  }

  /** An upload of this tab has changed. @param {string} id */
  #changed(id) {
    const upload = this.#own.get(id);
    if (!upload) return;
    const { snapshot } = upload;
    const task = this.#tasks.get(id);
    const turned = task?.state !== snapshot.state;
    task?.show(snapshot);
    this.dispatchEvent(new Event("change"));
    if (turned) this.#tabs.tell({ kind: "state", snapshot, file: null });
    else this.#tellSoon(id);
    if (turned) this.#next();
  }

  /** @param {string} id */
  #tellSoon(id) {
    if (this.#untold.size === 0) setTimeout(() => this.#tellUntold(), TELL);
    this.#untold.add(id);
  }

  #tellUntold() {
    for (const id of this.#untold) {
      const upload = this.#own.get(id);
      if (upload) this.#tabs.tell({ kind: "state", snapshot: upload.snapshot, file: null });
    }
    this.#untold.clear();
  }

  /** Sends the uploads whose turn it is. */
  #next() {
    for (const { id, state } of this.tasks) {
      const upload = this.#own.get(id);
      if (this.#sending.size >= FILES) return;
      // Without its file, it is being taken up again, and its turn comes after that.
      if (!upload?.file || state !== "waiting" || this.#sending.has(id)) continue;
      this.#sending.add(id);
      void upload.send().finally(() => {
        this.#sending.delete(id);
        this.#next();
      });
    }
  }

  /** An upload of this tab is off the list. @param {string} id */
  #leave(id) {
    this.#tasks.delete(id);
    this.#own.delete(id);
    this.#claims.get(id)?.abort();
    this.#claims.delete(id);
    this.#tabs.tell({ kind: "gone", id });
    this.dispatchEvent(new Event("change"));
  }

  /** @param {import("./tabs.js").Message} message of another tab */
  #hear(message) {
    if (message.kind === "who") {
      for (const { snapshot, file } of this.#own.values())
        this.#tabs.tell({ kind: "state", snapshot, file });
    } else if (message.kind === "do") {
      const upload = this.#own.get(message.id);
      if (upload) obey(upload, message);
    } else if (message.kind === "joined") {
      for (const id of message.ids) void this.#own.get(id)?.join(message.jobId);
    } else if (message.kind === "refused") {
      for (const id of message.ids) void this.#own.get(id)?.refuse(message.trouble, message.detail);
    } else if (message.kind === "gone") {
      this.#forget(message.id);
    } else if (!this.#own.has(message.snapshot.id)) {
      this.#mirror(message);
    }
  }

  /** @param {Extract<import("./tabs.js").Message, {kind: "state"}>} message */
  #mirror({ snapshot, file }) {
    const { id } = snapshot;
    const known = this.#tasks.get(id);
    if (file) this.#files.set(id, file);
    if (known) known.show(snapshot);
    else this.#show(snapshot, new RemoteUpload(id, this.#tabs, this.#store));
    if (!this.#claims.has(id)) void this.#inherit(id);
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string} id of another tab's upload */
  #forget(id) {
    this.#tasks.delete(id);
    this.#files.delete(id);
    this.#claims.get(id)?.abort();
    this.#claims.delete(id);
    this.dispatchEvent(new Event("change"));
  }

  /** Returns the time, later than that of every upload on the list. */
  #later() {
    return Math.max(Date.now(), ...this.tasks.map(({ snapshot }) => snapshot.added + 1));
  }
}

/** Returns a UUID. `crypto.randomUUID` exists only on secure pages. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
}

export const uploads = new Uploads();
