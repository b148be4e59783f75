/** The files that a person has chosen and not started yet. They stay while other views are shown. */

/** @typedef {import("./dropped.js").Given} Given */
/** @typedef {import("../ask/types.js").Inspection} Inspection */

/**
 * A chosen file.
 * @typedef {object} Chosen
 * @property {number} id
 * @property {File} file
 * @property {FileSystemFileHandle | null} handle
 * @property {Inspection | null} inspection null until it is read
 * @property {string} columns the names of its columns, as it was read first: a correction that a
 *   person makes is for all files that had the same; empty until it is read
 * @property {boolean} isBeingRead
 * @property {string} problem why it could not be read; empty if it could, or is not read yet
 */

class ChosenFiles extends EventTarget {
  /** @type {Chosen[]} */
  files = [];
  #last = 0;

  /** @param {readonly Given[]} given */
  add(given) {
    const added = given.filter(({ file }) => !this.files.some((each) => isSame(each.file, file)));
    this.files = [
      ...this.files,
      ...added.map(({ file, handle }) => {
        this.#last += 1;
        return {
          id: this.#last,
          file,
          handle,
          inspection: null,
          columns: "",
          isBeingRead: false,
          problem: "",
        };
      }),
    ];
    this.#tell();
  }

  /** @param {readonly Chosen[]} gone */
  remove(gone) {
    this.files = this.files.filter((each) => !gone.includes(each));
    this.#tell();
  }

  /**
   * Notes what is known about a file.
   * @param {Chosen} chosen
   * @param {Partial<Chosen>} known
   */
  know(chosen, known) {
    Object.assign(chosen, known);
    if (chosen.columns === "") chosen.columns = columnsOf(chosen);
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * @param {File} one
 * @param {File} other
 */
function isSame(one, other) {
  return (
    one.name === other.name && one.size === other.size && one.lastModified === other.lastModified
  );
}

/**
 * Returns the chosen files in groups with the same columns; a file that is not read yet, or cannot
 * be read, is a group of its own.
 * @param {readonly Chosen[]} files
 * @returns {Chosen[][]}
 */
export function groupsOf(files) {
  /** @type {Map<string, Chosen[]>} */
  const groups = new Map();
  for (const each of files) {
    const key = each.columns || `file ${each.id}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()];
}

/**
 * Returns the files that one question can be about although their columns differ: a file, and after
 * it the others of which the columns are known.
 * @param {readonly Chosen[]} files
 * @param {Chosen} first
 * @returns {Chosen[]}
 */
export function unitedFiles(files, first) {
  if (first.columns === "") return [first];
  return [first, ...files.filter((each) => each !== first && each.columns !== "")];
}

/**
 * Returns in which columns a file differs from another one, by their names: what it has more, and
 * what it lacks. Null if that is not known, or if they are the same in the same order.
 * @param {Chosen} file
 * @param {Chosen} other
 * @returns {{more: string[], lacks: string[]} | null}
 */
export function differences(file, other) {
  if (file.columns === "" || other.columns === "" || file.columns === other.columns) return null;
  /** @type {string[][]} */
  const [mine = [], theirs = []] = [JSON.parse(file.columns), JSON.parse(other.columns)];
  return {
    more: mine.filter((name) => !theirs.includes(name)),
    lacks: theirs.filter((name) => !mine.includes(name)),
  };
}

/** @param {Chosen} chosen */
function columnsOf({ inspection }) {
  if (!inspection || inspection.error) return "";
  return JSON.stringify(inspection.columns.map(({ name }) => name));
}

export const chosen = new ChosenFiles();
