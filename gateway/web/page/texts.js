/**
 * All texts of the page, grouped by view, but for the few in index.html. A translation replaces this file. Values are texts, or
 * functions that put values into a text.
 */

export const texts = Object.freeze({
  // The frame of the page (app.js, components/)
  frame: {
    title: "csvmill",
    titleOf: (/** @type {string} */ view) => `${view} · csvmill`,
    skip: "Skip to the content",
    nav: "Views",
    home: "New question",
    jobs: "Jobs",
    uploads: "Files",
    help: "Help",
    theme: "Colours",
    themes: { system: "As the system", light: "Light", dark: "Dark" },
    loading: "Loading …",
    notFound: "There is nothing here",
    notFoundHint: "The address may be mistyped, or the page may have been removed.",
    toStart: "Go to the start",
    viewFailed: "This view could not be loaded",
    viewFailedHint:
      "The service may have been updated since you opened the page, or the connection broke.",
    reload: "Reload the page",
    retry: "Try again",
    dismiss: "Dismiss",
    copy: "Copy",
    copied: "Copied",
    copyFailed: "The browser does not allow copying here: select the text and copy it.",
    details: "Details",
    close: "Close",
    cancel: "Cancel",
  },
  connection: {
    name: "Connection",
    offline: "You are offline.",
    offlineHint: "The page resumes by itself when the network is back.",
    away: "The service does not answer.",
    awayHint: (/** @type {number} */ seconds) =>
      seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again …",
    retry: "Try now",
    back: "The connection is back.",
  },
  key: {
    title: "API key",
    lead: "This service needs an API key. Ask the person who runs it for one.",
    label: "API key",
    hint: "It is kept until you close this tab, and never put into a URL.",
    refused: "The key was not accepted. Check it, or use another one.",
    show: "Show the key",
    use: "Use this key",
    missing: "Enter a key.",
    forget: "Forget the key",
    forgetHint: "An API key is in use. Forget it in this tab.",
    forgotten: "The key is forgotten.",
    another: "Use another key",
  },
  states: {
    PENDING: "Waiting",
    STARTED: "Running",
    RETRY: "Will be tried again",
    SUCCESS: "Done",
    FAILURE: "Failed",
    REVOKED: "Cancelled",
  },
  problems: {
    fault: "Something went wrong in this page",
    unknown: (/** @type {number} */ status) => `The service answered with an error (${status})`,
    /** What each status means. @type {Record<number, string>} */
    statuses: {
      0: "The service does not answer",
      400: "The request is not valid",
      401: "An API key is needed",
      403: "The key does not allow this",
      404: "There is no such thing",
      408: "The transfer was too slow",
      409: "This is not possible now",
      413: "The file is too large",
      429: "Too many requests",
      500: "The service has a fault",
      502: "The service does not answer",
      503: "The service is not available",
      504: "The service does not answer",
      507: "There is no space left",
    },
    /** What to do, by status. @type {Record<number, string>} */
    remedies: {
      [-1]: "Reload the page. If it happens again, tell the person who runs the service.",
      0: "Check your connection. The page tries again by itself.",
      401: "Enter a key that is valid.",
      403: "Use a key that has this right.",
      429: "Wait a moment, then try again.",
      500: "Try again. If it happens again, see the service log.",
      502: "Wait a moment, then try again.",
      503: "Wait a moment, then try again.",
      504: "Wait a moment, then try again.",
    },
    /** What to do, by the kind of problem. @type {Record<string, string>} */
    kinds: {
      "upload-too-large": "Compress the file (gzip, zstd), or ask for a higher limit.",
      "quota-exceeded": "Delete jobs that are no longer needed, or wait until they expire.",
      "too-many-jobs": "Wait until some of your jobs have ended.",
      "too-many-uploads": "Finish or cancel some uploads first.",
      "job-not-found": "It may have been deleted, or have expired.",
      "upload-not-found": "It may have been cancelled, or have expired. Send the file again.",
    },
  },

  // The start: files are dropped or picked (home/)
  home: {
    title: "New question",
  },

  // The question about a file (ask/)
  ask: { title: "Another question" },

  // The files that the service has (uploads/)
  stored: { title: "Files on the service" },

  // Saved specs and webhooks (settings/)
  settings: { title: "Settings" },

  // The list of jobs, and one job (jobs/): the other texts are in texts/, loaded with these views
  jobs: {
    title: "Jobs",
    jobTitle: "Job",
  },

  // The result as table and chart (look/)
  look: {},

  // The download of a result (download/): texts/download.js, which is loaded with it

  // How to use the service without the page (help/)
  help: {
    title: "Help",
    steps: "How it works",
    step: [
      ["Drop a file", "A CSV file of any size, compressed or not. Its columns are shown at once."],
      [
        "Ask a question",
        "What to group by, what to add up, what to leave out. Correct how the file is read if need be.",
      ],
      [
        "Watch and download",
        "The upload survives a broken connection. The result appears as table and chart, and to download.",
      ],
    ],
    terminal: "From a terminal",
    terminalLead: "The page shows the command for each question. In general:",
    run: "With the command line of csvmill, which resumes when it is interrupted",
    runCommand: (/** @type {string} */ server) =>
      `csvmill run sales.csv -o totals.csv \\\n  --server ${server} \\\n  --group-by Country --sum Price`,
    upload: "With curl: upload a file",
    uploadCommand: (/** @type {string} */ server) =>
      `curl -F file=@plays.csv ${server}/api/upload_file`,
    wait: "Wait for the job that the answer names",
    waitCommand: (/** @type {string} */ server) => `curl '${server}/api/v1/jobs/JOB_ID?wait=60'`,
    download: "Download the result; the same command resumes a broken download",
    downloadCommand: (/** @type {string} */ server) =>
      `curl -C - -o totals.csv ${server}/api/download_file/JOB_ID`,
    keys: "If the service needs an API key, add ",
    keysField: '-H "Authorization: Bearer $CSVMILL_API_KEY"',
    api: "The API",
    apiLead: "Everything that this page does, programs can do too.",
    reference: "Reference",
    openapi: "OpenAPI document",
    health: "Health of this process",
    ready: "Health of what it needs",
  },
});
