/** The texts of uploads. A translation replaces this file. */

import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
} from "../core/format.js";

/**
 * What went wrong, and what to do.
 * @typedef {object} TroubleTexts
 * @property {string} what
 * @property {string} todo empty if nothing needs to be done
 */

/** @type {(what: string, todo?: string) => Readonly<TroubleTexts>} */
const trouble = (what, todo = "") => Object.freeze({ what, todo });

const anew = "Cancel this upload and add the file again: it is then sent from its start.";
const byItself = "It resumes by itself.";

export const upload = Object.freeze({
  title: "Uploads",
  /** How many are under way, and how long they take together. */
  summary: (
    /** @type {number} */ active,
    /** @type {number} */ all,
    /** @type {number | null} */ seconds,
  ) => {
    if (active === 0) return all === 1 ? "1 file" : `${all} files`;
    const files = active === all ? `${all} under way` : `${active} of ${all} under way`;
    return seconds === null ? files : `${files} · ${formatDuration(seconds)} left`;
  },
  states: {
    waiting: "Waiting for its turn",
    sending: "Uploading",
    paused: "Paused",
    offline: "Waiting for the service",
    "needs-file": "Needs the file again",
    arrived: "Uploaded, waits for the others",
    done: "Uploaded",
    failed: "Failed",
    cancelled: "Cancelled",
  },
  amount: (/** @type {number} */ sent, /** @type {number} */ size) =>
    `${formatBytes(sent)} of ${formatBytes(size)}`,
  whole: (/** @type {number} */ size) => formatBytes(size),
  rate: (/** @type {number | null} */ bytesPerSecond, /** @type {number | null} */ seconds) => {
    if (bytesPerSecond === null) return "";
    const rate = formatRate(bytesPerSecond);
    return seconds === null ? rate : `${rate} · ${formatDuration(seconds)} left`;
  },
  percent: formatPercent,
  bar: (/** @type {string} */ name) => `Upload of ${name}`,

  pause: "Pause",
  resume: "Resume",
  tryNow: "Try now",
  tryAgain: "Try again",
  allow: "Allow reading",
  choose: "Choose the file",
  cancel: "Cancel",
  remove: "Remove",
  openJob: "Open the job",
  keep: "Keep it",
  reallyCancel: "Cancel the upload",
  askCancel: (/** @type {number} */ sent) =>
    `The ${formatBytes(sent)} that have arrived will be removed from the service.`,
  /** The name of a button, with the file that it is for. */
  of: (/** @type {string} */ act, /** @type {string} */ name) => `${act}: ${name}`,

  needsPermission:
    "The browser asks whether this page may read the file again. Then the upload resumes.",
  needsChoice:
    "The page was loaded again, and this browser does not let it keep the file. Choose the same file: the upload resumes where it was.",
  said: (/** @type {string} */ detail) => `The service says: ${detail}`,
  nextTry: (/** @type {number} */ seconds) => `Next try in ${formatDuration(seconds)}.`,

  readingNothing: "The service begins to read the file while it arrives, if it has time for it.",
  readingRows: (
    /** @type {number} */ bytes,
    /** @type {number | null} */ rows,
    /** @type {boolean} */ estimated,
  ) => {
    const read = `Read by the service so far: ${formatBytes(bytes)}`;
    return rows === null ? read : `${read}, ${estimated ? "about " : ""}${formatCount(rows)} rows`;
  },
  readingEnded: (/** @type {string} */ why) =>
    `The service reads the file once it has arrived: ${why}`,
  badRows: (/** @type {number} */ count, /** @type {string} */ first) =>
    `The service has found ${formatCount(count)} bad ${count === 1 ? "row" : "rows"} so far. The first: ${first}.`,

  says: {
    progress: (/** @type {string} */ name, /** @type {number} */ percent) =>
      `${percent} % of ${name} uploaded`,
    state: (/** @type {string} */ name, /** @type {string} */ state) => `${name}: ${state}`,
  },

  troubles: Object.freeze({
    unreachable: trouble("The service does not answer.", byItself),
    unavailable: trouble("The service is not available at the moment.", byItself),
    busy: trouble("The service is busy.", byItself),
    fault: trouble("Something went wrong.", "Try again. If it happens again, see the service log."),
    refused: trouble("The service refuses this upload."),
    key: trouble("An API key is needed.", "Try again, and enter a valid key."),
    forbidden: trouble(
      "The key does not allow uploads.",
      "Use a key with the scope “upload”, then try again.",
    ),
    tooLarge: trouble(
      "The file is larger than the service accepts.",
      "Compress it (gzip, zstd), or ask the person who runs the service for a higher limit.",
    ),
    chunkTooLarge: trouble(
      "Something between this browser and the service accepts no request of 64 kB.",
      "Ask the person who runs the service or its proxy to raise the limit of request bodies.",
    ),
    slow: trouble("The line is too slow for the service.", "Try again on a faster one."),
    damaged: trouble(
      "Bytes arrive damaged, again and again.",
      "The file may be changing while it is read, or the line may be faulty. Try again.",
    ),
    outOfStep: trouble("The upload and the service do not fit together.", anew),
    bytesDiffer: trouble("The service has other bytes than this file has.", anew),
    gone: trouble("The upload has become a job, which has ended and was removed.", anew),
    lost: trouble(
      "The service does not have this upload any more. It was cancelled, or it has expired.",
      "Try again: the file is then sent from its start.",
    ),
    misfit: trouble(
      "The question does not fit the file.",
      "Remove this upload, correct the question and send the file again.",
    ),
    badRows: trouble(
      "The file has rows that cannot be read, so it was not uploaded further.",
      "Remove this upload. Then correct the file, or choose to leave out bad rows.",
    ),
    tooManyUploads: trouble(
      "You have as many uploads in progress as you may have.",
      `Finish or cancel others. ${byItself}`,
    ),
    tooManyJobs: trouble("As many of your jobs wait as may wait.", byItself),
    quota: trouble(
      "Your files and results take up all the space that you may use.",
      `Delete jobs that you do not need any more. ${byItself}`,
    ),
    full: trouble("The disk of the service is full.", `Tell the person who runs it. ${byItself}`),
    denied: trouble("The browser was not allowed to read the file.", "Allow it, or cancel."),
    unreadable: trouble(
      "The file cannot be read. It was changed, moved or removed since it was chosen.",
      "Choose it again. If it was changed, cancel this upload and add the file anew.",
    ),
    name: trouble("This is another file: it has another name.", "Choose the file of this upload."),
    size: trouble(
      "This is not the same file: it has another size.",
      `Choose the file as it was. If it was changed, cancel this upload and add it anew.`,
    ),
    content: trouble(
      "This is not the same file: its content is different.",
      `Choose the file as it was. If it was changed, cancel this upload and add it anew.`,
    ),
    modified: trouble(
      "The file was changed after its upload began. Its parts would not fit together.",
      anew,
    ),
  }),
});
