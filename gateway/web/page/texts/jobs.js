/** The texts of the list of jobs and of one job (jobs/). */

import { formatCount } from "../core/format.js";

/** @type {(count: number, one: string, many: string) => string} */
const counted = (count, one, many) => `${formatCount(count)} ${count === 1 ? one : many}`;
const rows = (/** @type {number} */ count) => counted(count, "row", "rows");

export const jobs = Object.freeze({
  title: "Jobs",
  jobTitle: "Job",

  // The list
  list: {
    lead: "Every question that was asked of a file, newest first.",
    name: "Find by file name",
    states: "Which jobs",
    filters: {
      all: "All",
      running: "Active",
      done: "Done",
      failed: "Failed",
      cancelled: "Cancelled",
    },
    columns: {
      job: "File and question",
      state: "State",
      rows: "Rows",
      size: "File",
      took: "Time taken",
      created: "Created",
      actions: "Actions",
    },
    caption: "Jobs, newest first",
    loading: "Loading jobs …",
    more: "Load more",
    moreLoading: "Loading …",
    searchOn: "Search older jobs",
    shown: (/** @type {number} */ count) => `${counted(count, "job", "jobs")} shown`,
    empty: "No jobs yet",
    emptyHint: "Drop a CSV file, say what you want to know, and its job appears here.",
    ask: "Ask a question",
    none: "No matching jobs",
    noneHint: "Try another state or another part of the name.",
    clear: "Show all jobs",
    stale: "This list could not be refreshed. It resumes by itself.",
    rowsOf: (/** @type {number} */ into, /** @type {number} */ out) =>
      `${formatCount(into)} → ${formatCount(out)}`,
    rowsLabel: (/** @type {number} */ into, /** @type {number} */ out) =>
      `${rows(into)} read, ${rows(out)} in the result`,
    removed: "Result removed",
    menu: (/** @type {string} */ name) => `Actions for ${name}`,
    percent: (/** @type {string} */ name) => `Progress of ${name}`,
  },

  // What is done with a job
  actions: {
    cancel: "Cancel the job",
    retry: "Retry",
    ask: "Ask another question",
    askHint: "Opens the question, to change it; the file is not sent again",
    again: "Run again",
    againHint: "Opens the question, to run it on this file or another one",
    delete: "Delete",
    share: "Share",
    cancelTitle: "Cancel this job?",
    cancelText: (/** @type {string} */ name) =>
      `The job of ${name} stops, and the file is removed from the service. To run it later, the file has to be sent again.`,
    cancelDo: "Cancel the job",
    cancelNot: "Let it run",
    deleteTitle: "Delete this job's data?",
    deleteText: (/** @type {string} */ name) =>
      `The result and the rejected rows of ${name} are removed from the service for good, and the file too, unless it is kept or another job needs it. The job stays in the list, without data.`,
    deleteDo: "Delete",
    deleteResult: "Delete the result only",
    deleteNot: "Keep it",
    cancelled: "The job is cancelled.",
    deleted: "The data of the job is deleted.",
    resultDeleted: "The result is deleted.",
    retried: "The job runs again.",
    alreadyEnded: "The job had already ended, so nothing was cancelled.",
    failed: "That did not work",
  },

  // A link to a result
  share: {
    title: "Share the result",
    lead: "Whoever has this link can download the result, without a key, until it expires.",
    open: "Everybody who reaches this service can open these addresses.",
    page: "This page",
    result: "The result",
    lasts: "The link is valid for",
    lengths: /** @type {[number, string][]} */ ([
      [3600, "1 hour"],
      [86400, "1 day"],
      [604800, "7 days"],
    ]),
    make: "Make a link",
    link: "Link",
    until: (/** @type {string} */ time) => `It works until ${time}.`,
  },

  // One job
  job: {
    loading: "Loading the job …",
    files: (/** @type {number} */ count) => `From ${count} files`,
    filesLabel: "Files",
    cached: "The same question of the same files was answered before, so nothing was computed.",
    cachedJob: "Open that job",
    back: "← All jobs",
    missing: "This job does not exist",
    missingHint: "The address may be mistyped, or the job belongs to another person's key.",
    progress: (/** @type {string} */ name) => `Progress of ${name}`,
    title: (/** @type {string} */ percent, /** @type {string} */ name) => `${percent} · ${name}`,
    announce: (/** @type {string} */ name, /** @type {string} */ state) => `${name}: ${state}`,
    stages: {
      waiting: "Waiting for a free worker",
      starting: "Starting",
      reading: "Reading and grouping",
      writing: "Everything is read. Sorting and writing the result",
      retry: "Waiting for the next attempt",
    },
    attempt: (/** @type {number} */ number, /** @type {number} */ most) =>
      number > most ? `Attempt ${number}` : `Attempt ${number} of ${most}`,
    earlier: (/** @type {string} */ reason) => `The previous attempt did not succeed: ${reason}`,
    bytes: (/** @type {string} */ done, /** @type {string} */ total) => `${done} of ${total}`,
    rows: (/** @type {number} */ count, /** @type {boolean} */ about) =>
      about ? `about ${rows(count)}` : rows(count),
    left: (/** @type {string} */ time) => `${time} left`,
    broken: "The connection is broken. The job continues; this page follows it again by itself.",
    notify: "Notify me when it is done",
    notifyOn: "You will be notified when it is done",
    notifyNo: "The browser does not allow notifications from this page",
    notifyTitle: (/** @type {string} */ state, /** @type {string} */ name) => `${state}: ${name}`,
    facts: {
      out: "Rows in the result",
      into: "Rows read",
      size: "Size of the result",
      took: "Time taken",
    },
    result: "Result",
    spec: "The question as JSON",
    file: "How the file was read",
    rowsTitle: "What became of the rows",
    times: "Times, memory and attempts",
  },

  // How a job ended without a result
  ended: {
    failed: "The job failed",
    byProblems: (/** @type {number} */ count) =>
      count === 1
        ? "The file has one row that cannot be read as you asked."
        : `The file has ${formatCount(count)} rows that cannot be read as you asked.`,
    correct: "Correct the file and send it again, or leave such rows out.",
    skip: "Run again with bad rows left out",
    byWarning: "You asked that a job with warnings fails. This is the first one.",
    /** What to do, by words of the reason. @type {[RegExp, string][]} */
    remedies: [
      [/memory/i, "Group by fewer columns, filter more rows, or ask for a higher memory limit."],
      [/scratch|disk|space/i, "Group by fewer columns, or ask for more disk space for jobs."],
      [/time limit|longer than/i, "Filter more rows, or ask for a higher time limit."],
      [/SIGKILL|killed|crash/i, "Try again. If it fails again, see the service log."],
      [/storage|database|connection/i, "Try again in a moment."],
      [/compress|gzip|zstd|bzip2|zip/i, "The file may be damaged. Send it again."],
      [/no column|columns are/i, "Run again, and choose columns that the file has."],
    ],
    revoked: "The job was cancelled",
    revokedText:
      "It has no result, and its file is no longer on the service. To run it, send the file again.",
    expired: "The result is no longer kept",
    expiredText: (/** @type {string} */ time) =>
      `The file and the result were removed ${time}: they were deleted, or kept as long as the service keeps results. To get the result again, send the file again.`,
    deleted: "The result was deleted",
    deletedText: (/** @type {string} */ time) =>
      `It was deleted ${time}. To get the result again, send the file again.`,
    failedExpired: "The file is no longer kept, so the job cannot be tried again.",
  },

  // The report
  report: {
    total: (/** @type {number} */ count) => `${rows(count)} read`,
    parts: {
      aggregated: (/** @type {number} */ count) => `${formatCount(count)} counted`,
      filtered: (/** @type {number} */ count) => `${formatCount(count)} left out by the filter`,
      rejected: (/** @type {number} */ count) => `${formatCount(count)} rejected`,
    },
    padded: (/** @type {number} */ count) => `${rows(count)} with too few cells were filled.`,
    truncated: (/** @type {number} */ count) => `${rows(count)} with too many cells were cut.`,
    several: (/** @type {number} */ count, /** @type {number} */ most) =>
      `${rows(count)} span several lines, the longest ${counted(most, "line", "lines")}.`,
    passedOver: (/** @type {number} */ count) =>
      `${counted(count, "line was", "lines were")} passed over: empty, or beside the table.`,
    headStart: (/** @type {string} */ bytes) =>
      `${bytes} had been aggregated by the time the upload was complete.`,
    rejects: "Download the rejected rows",
    rejectsFailed: "The rejected rows could not be downloaded",
    omitted: (/** @type {number} */ count) =>
      `${rows(count)} did not fit and are not in this download.`,
    problems: "Rows that could not be read",
    problemsShown: (/** @type {number} */ shown, /** @type {number} */ all) =>
      `The first ${formatCount(shown)} of ${formatCount(all)}.`,
    lines: (/** @type {string} */ first, /** @type {string} */ last, /** @type {number} */ count) =>
      `${first} to ${last} (${formatCount(count)} rows)`,
    columns: { line: "Line", column: "Column", found: "Found", expected: "Expected" },
    wholeRow: "whole row",
    columnName: (/** @type {number} */ number, /** @type {string | null} */ name) =>
      name ? `${number}: ${name}` : String(number),
    dialect: {
      encoding: "Encoding",
      delimiter: "Cells divided by",
      quote: "Quotes",
      escape: "Escape character",
      header: "First row",
      lineEnds: "Line ends",
      compression: "Compression",
      decimal: "Decimal separator",
      thousands: "Thousands separator",
      date: "Dates",
      null: "Missing values",
      number: "Around numbers",
    },
    header: "Names of columns",
    noHeader: "Data",
    none: "None",
    delimiters: /** @type {Record<string, string>} */ ({
      ",": "Comma",
      ";": "Semicolon",
      "\t": "Tab",
      "|": "Vertical bar",
      " ": "Space",
      ":": "Colon",
    }),
    lineEnds: /** @type {Record<string, string>} */ ({
      lf: "LF (Unix)",
      crlf: "CR LF (Windows)",
      cr: "CR (old Mac)",
    }),
    dates: /** @type {Record<string, string>} */ ({
      iso: "ISO 8601, as 2026-01-31",
      iso_zoned: "ISO 8601 with time zone",
      epoch: "Seconds since 1970",
      epoch_ms: "Milliseconds since 1970",
    }),
    currency: "currencies",
    percent: "percent signs",
    parentheses: "parentheses for negative numbers",
    created: "Created",
    finished: "Finished",
    id: "Job id",
    seconds: {
      queue: "Waited",
      aggregate: "Reading and grouping",
      write: "Sorting and writing",
      store: "Storing the result",
    },
    memory: "Peak memory",
    scratch: "Peak disk for temporary files",
    read: "File",
    decompressed: "Decompressed",
    engine: "Computed by",
    attempts: "Attempts",
    attemptColumns: {
      number: "No.",
      outcome: "Outcome",
      started: "Started",
      took: "Took",
      worker: "Worker",
      reason: "Reason",
    },
    outcomes: /** @type {Record<string, string>} */ ({
      success: "Succeeded",
      failure: "Failed",
      lost: "Worker lost",
      released: "Interrupted, not counted",
      revoked: "Cancelled",
    }),
    runs: "Running",
    attemptsHidden: (/** @type {number} */ from, /** @type {number} */ to) =>
      `Attempts ${formatCount(from)} to ${formatCount(to)} are not shown.`,
  },
});
