/** The texts of the start, where files are dropped or picked (home/). */

/** @type {(count: number, one: string, many: string) => string} */
function plural(count, one, many) {
  return count === 1 ? one : many;
}

export const home = Object.freeze({
  title: "New question",
  welcome: "Drop a CSV file, ask, get the answer",
  lead: "Files of any size: they are read as they arrive, and never as a whole. You see how a file is read before it is uploaded.",
  drop: "Drop files here",
  or: "or",
  choose: "Choose files",
  chooseMore: "Add files",
  formats:
    "CSV, TSV or other text with columns, also compressed with gzip, zstd, bzip2 or zip; Excel workbooks (.xlsx).",
  sample: "Try it with a sample file",
  sampleName: "sample-sales.csv",
  letGo: "Release to add the files",
  waiting: "A question is waiting",
  waitingHint: "It is applied to the file that you drop or choose.",
  folders: (/** @type {number} */ count) =>
    plural(
      count,
      "A folder cannot be added: open it, and drop the files in it.",
      "Folders cannot be added: open them, and drop the files in them.",
    ),
  nothing: "There was no file in what you dropped.",
  notReadable: (/** @type {string} */ name) => `${name} cannot be read.`,
  files: "Files",
  remove: (/** @type {string} */ name) => `Remove ${name}`,
  size: (/** @type {string} */ size) => size,
  same: (/** @type {number} */ count) =>
    `${count} files with the same columns get the same question.`,
  unite: (/** @type {number} */ count) => `Ask about all ${count} files together`,
  united: (/** @type {number} */ count) =>
    `One result from ${count} files. A column that a file does not have is empty in its rows.`,
  separate: "Only files with the same columns",
  group: (/** @type {number} */ position, /** @type {number} */ of) =>
    `Columns ${position} of ${of}`,
  reading: "Reading …",
  columns: (/** @type {number} */ count) => plural(count, "1 column", `${count} columns`),
  unreadable: "cannot be read",
  chooseSheet: "several sheets",
  /** In which columns a file differs from the one that the question is about. */
  differs: (/** @type {{more: string, lacks: string}} */ { more, lacks }) =>
    more || lacks
      ? [more && `also has ${more}`, lacks && `lacks ${lacks}`].filter(Boolean).join("; ")
      : "the same columns in another order",
  others: (/** @type {number} */ count) => plural(count, "1 other", `${count} others`),
  sent: (/** @type {number} */ count) =>
    plural(count, "The file is on its way", `${count} files are on their way`),
  sentHint:
    "You can leave this view: the bar above shows how far it is. The job opens when the file is there.",
  sentHintMany:
    "You can leave this view: the bar above shows how far they are. Their jobs are in the list.",
  another: "Ask about another file",
  toJobs: "Show the jobs",
  failed: "The upload did not start",
  steps: [
    ["Drop", "The first MiB is inspected: columns, types and possible problems."],
    ["Ask", "Group, sum, filter, sort by clicking, or take a suggestion."],
    ["Get", "Follow the progress, see a chart, download the result."],
  ],
});
