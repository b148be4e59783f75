/** The uploads that have not ended, kept in IndexedDB, so that they survive the page. */

/**
 * Files that get one job together. It is asked for when all have arrived that are not cancelled.
 * @typedef {object} Bundle
 * @property {string} id a UUID, also the Idempotency-Key of the job
 * @property {number} position of this file
 */

/**
 * What is kept of an upload.
 * @typedef {object} UploadRecord
 * @property {string} id a UUID, also its Idempotency-Key
 * @property {number} added when, in milliseconds since 1970
 * @property {import("./recognition.js").Likeness} likeness
 * @property {unknown} aggregation null for song plays
 * @property {Bundle | null} bundle the files that get one job with this one; null if it has its own
 * @property {FileSystemFileHandle | null} handle where the browser gives one
 * @property {boolean} declared whether the server knows it
 * @property {number} sent bytes that the server had received
 * @property {"going" | "paused" | "failed" | "cancelled" | "arrived"} wish what it is to do; `cancelled`
 *   is to be removed from the server, and `arrived` waits for the others of its bundle
 * @property {import("./failures.js").Trouble | null} trouble why it failed
 * @property {string} detail what the server said about that
 */

const DATABASE = "csvmill-uploads";
const TABLE = "uploads";
const VERSION = 1;

/** Records by id. Where the browser keeps nothing, they last as long as the page. */
export class Store {
  /** @type {Promise<IDBDatabase | null> | null} */
  #opening = null;
  /** @type {Map<string, UploadRecord>} */
  #unkept = new Map();

  /**
   * Returns all records, the oldest first.
   * @returns {Promise<UploadRecord[]>}
   */
  async all() {
    const database = await this.#open();
    const found = database
      ? await resultOf(database.transaction(TABLE).objectStore(TABLE).getAll())
      : [...this.#unkept.values()];
    return found.sort((a, b) => a.added - b.added);
  }

  /**
   * @param {string} id
   * @returns {Promise<UploadRecord | undefined>}
   */
  async get(id) {
    const database = await this.#open();
    if (!database) return this.#unkept.get(id);
    return resultOf(database.transaction(TABLE).objectStore(TABLE).get(id));
  }

  /** @param {UploadRecord} record */
  async put(record) {
    const database = await this.#open();
    if (!database) this.#unkept.set(record.id, record);
    else await resultOf(database.transaction(TABLE, "readwrite").objectStore(TABLE).put(record));
  }

  /** @param {string} id */
  async remove(id) {
    const database = await this.#open();
    if (!database) this.#unkept.delete(id);
    else await resultOf(database.transaction(TABLE, "readwrite").objectStore(TABLE).delete(id));
  }

  #open() {
    // In some private windows there is no database: uploads then last as long as the page.
    this.#opening ??= openDatabase().catch(() => null);
    return this.#opening;
  }
}

/** @returns {Promise<IDBDatabase>} */
async function openDatabase() {
  const request = indexedDB.open(DATABASE, VERSION);
  request.addEventListener("upgradeneeded", () => {
    request.result.createObjectStore(TABLE, { keyPath: "id" });
  });
  return resultOf(request);
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function resultOf(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}
