/** The texts of the list of files that the service has (uploads/). */

export const stored = Object.freeze({
  title: "Files on the service",
  lead: "Files that were sent. Ask about them again without sending them, keep them, or delete them.",
  find: "Find by the whole file name",
  loading: "Loading the files …",
  shown: (/** @type {number} */ count) => `${count} ${count === 1 ? "file" : "files"} shown`,
  more: "Load more",
  none: "No file has this name.",
  empty: "No files yet",
  emptyHint: "Files that you send appear here, as long as the service keeps them.",
  ask: "Choose a file",
  askAgain: "Ask",
  askOf: (/** @type {string} */ name) => `Ask about ${name}`,
  keep: "Keep",
  keepOf: (/** @type {string} */ name) => `Keep ${name}`,
  keepHint: "A file that is kept stays until it is deleted, even if no job needs it",
  nowKept: "The file is kept.",
  notKept: "The file is kept as long as jobs need it.",
  until: (/** @type {boolean} */ keep, /** @type {string | null} */ time) => {
    if (!keep) return "kept as long as jobs need it";
    return time ? `kept until ${time}` : "kept until it is deleted";
  },
  jobs: (/** @type {number} */ count) => (count === 1 ? "Job:" : `${count} jobs, the latest:`),
  job: (/** @type {number} */ position) => (position === 1 ? "open" : `no. ${position}`),
  jobOf: (/** @type {number} */ position, /** @type {string} */ name) =>
    position === 1 ? `Open the latest job of ${name}` : `Open job ${position} of ${name}`,
  remove: "Delete",
  removeOf: (/** @type {string} */ name) => `Delete ${name}`,
  sure: { title: "Delete this file?", act: "Delete", keep: "Keep it" },
  sureText: (/** @type {string} */ name, /** @type {number} */ jobs) =>
    jobs > 0
      ? `${name} is removed from the service for good, with the result of the job that it was sent for. Results of other jobs stay.`
      : `${name} is removed from the service for good.`,
  deleted: (/** @type {string} */ name) => `${name} is deleted.`,
  inUse: "a job that has not ended reads it. Cancel the job, or wait for its end",
  failed: "That did not work",
});
