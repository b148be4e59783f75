/** What a question is about: a file of this machine, or uploads that the service has. */

import { callJson } from "../api/client.js";
import { inspectFile } from "./reading.js";

/** @typedef {import("./types.js").Aggregation} Aggregation */
/** @typedef {import("./types.js").Inspection} Inspection */

/**
 * @typedef {object} Source
 * @property {string} name of the file
 * @property {readonly string[]} uploads the ids of uploads; none for a file of this machine
 * @property {(options: {aggregation: Aggregation | null, length?: number, signal?: AbortSignal})
 *   => Promise<Inspection>} inspect how it is read, and whether an aggregation fits it; `length`
 *   limits the bytes that are sent
 */

/** @implements {Source} */
export class FileSource {
  /** @type {readonly string[]} */
  uploads = [];

  /** @param {File} file */
  constructor(file) {
    this.file = file;
    this.name = file.name;
  }

  /**
   * @param {{aggregation: Aggregation | null, length?: number, signal?: AbortSignal}} options
   */
  inspect(options) {
    return inspectFile(this.file, options);
  }
}

/** Complete uploads, of which the first one is inspected. @implements {Source} */
export class UploadSource {
  /**
   * @param {readonly string[]} uploads their ids
   * @param {string} name that of the first file
   */
  constructor(uploads, name) {
    this.uploads = uploads;
    this.name = name;
  }

  /**
   * @param {{aggregation: Aggregation | null, signal?: AbortSignal}} options
   * @returns {Promise<Inspection>}
   */
  inspect({ aggregation, signal }) {
    const path = `api/v1/uploads/${encodeURIComponent(this.uploads[0] ?? "")}/inspect`;
    const json = aggregation ? { aggregation } : {};
    return callJson("POST", path, { json, ...(signal ? { signal } : {}) });
  }
}

/**
 * Complete uploads of which this machine has the first file too: a workbook, of which the service
 * reads nothing before its job.
 * @implements {Source}
 */
export class KnownSource extends UploadSource {
  /**
   * @param {readonly string[]} uploads their ids
   * @param {File} file the first of them
   */
  constructor(uploads, file) {
    super(uploads, file.name);
    this.file = file;
  }

  /**
   * @override
   * @param {{aggregation: Aggregation | null, length?: number, signal?: AbortSignal}} options
   */
  inspect(options) {
    return inspectFile(this.file, options);
  }
}
