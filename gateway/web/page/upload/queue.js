/** The uploads of this tab. */

/**
 * What is to be sent.
 * @typedef {object} UploadRequest
 * @property {File} file
 * @property {FileSystemFileHandle | null} [handle]
 * @property {unknown} [aggregation]
 */

/** Holds the uploads. Dispatches `change`. */
class Uploads extends EventTarget {
  /** @type {readonly object[]} */
  tasks = [];

  /**
   * @param {UploadRequest} request
   * @returns {object}
   */
  add(request) {
    const task = { ...request, id: crypto.randomUUID() };
    this.tasks = [...this.tasks, task];
    this.dispatchEvent(new Event("change"));
    return task;
  }
}

export const uploads = new Uploads();
