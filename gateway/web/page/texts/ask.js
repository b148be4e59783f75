/** The texts of the question about a file (ask/). */

/** @typedef {{[key: string]: string}} Labels */

/** @type {(count: number, one: string, many: string) => string} */
function plural(count, one, many) {
  return count === 1 ? one : many;
}

export const ask = Object.freeze({
  readingTitle: "How the file is read",
  reading: "Reading …",
  columnCount: (/** @type {number} */ count) =>
    plural(count, "1 column", `${count.toLocaleString("en")} columns`),
  questionTitle: "Your question",
  clear: "Clear the question",
  reset: "Undo all corrections",
  more: "More",
  moreFields: "More about the file",
  moreFieldsSet: (/** @type {number} */ count) => `More about the file (${count} set)`,
  name: "Name in the result",
  fileColumn: "Name of the file (@file)",
  ofOtherFile: (/** @type {string} */ name) => `${name} (of another file)`,
  notInFile: (/** @type {string} */ name) => `${name} (not in this file)`,
  notInResult: (/** @type {string} */ name) => `${name} (not in the result)`,
  lostQuestion: "The question in the address cannot be read, so the page starts without one.",
  gone: "The file cannot be read any more",
  goneHint: "It may have been moved, changed or deleted. Choose it again.",
  headerTooLong: "The first line of this file is very long",
  start: "Start",
  together: Object.freeze({
    title: "Several files",
    one: "One result from all files",
    each: "A result for each file",
  }),
  againTitle: "Another question",
  againFiles: "The files that it is about",
  againGone: "The file is no longer on the service",
  againGoneHint:
    "It was deleted, or kept as long as the service keeps files. Send it again to ask about it.",
  workbook: {
    title: "This is a workbook",
    text: "Its sheets and columns are read on your machine. Choose the same file again; it is not sent a second time.",
    choose: "Choose the file",
    other: (/** @type {string} */ size, /** @type {string} */ expected) =>
      `That is another file: it has ${size}, and the one on the service has ${expected}.`,
  },
  save: {
    open: "Save under a name",
    title: "Save this question",
    lead: "Programs and the command line can ask it by its name. The settings list what is saved.",
    name: "Name",
    hint: "Up to 100 letters, digits, dots, underscores and hyphens, such as plays-by-song",
    act: "Save",
    malformed: "A name has letters (A to Z), digits, dots, underscores and hyphens, and no blanks.",
    taken:
      "A spec of this name is saved already. Choose another name, or delete it in the settings.",
    saved: (/** @type {string} */ name) => `The question is saved as ${name}.`,
  },
  againFailed: "The job did not start",
  toStart: "Choose a file",
  startMany: (/** @type {number} */ count) => `Start for ${count} files`,
  checking: "Checking …",
  nothingAsked: "Choose what to compute, or take a suggestion.",
  doesNotFit: "The question does not fit the file yet.",
  unreadable: "This file cannot be read as it is.",
  columnsOfResult: "Columns of the result",
  failed: "The question does not fit",
  plays: Object.freeze({
    title: "These look like song plays",
    text: "For each song and date, the plays can be summed at once.",
    start: "Sum plays by song and date",
    startMany: (/** @type {number} */ count) => `Sum plays of ${count} files`,
    other: "Or ask your own question below.",
  }),
  /** @type {Labels} */
  kinds: { number: "Number", integer: "Whole number", date: "Date", text: "Text" },
  suggestions: {
    title: "Try",
    sum_by_time: (/** @type {Labels} */ { number, date, step }) =>
      `Sum of ${number} by ${step} of ${date}`,
    sum_by: (/** @type {Labels} */ { number, text }) => `Sum of ${number} by ${text}`,
    top: (/** @type {Labels} */ { number, text, count }) => `Top ${count} of ${text} by ${number}`,
    avg_by: (/** @type {Labels} */ { number, text }) => `Average ${number} by ${text}`,
    rows_by: (/** @type {Labels} */ { text }) => `Number of rows by ${text}`,
    rows_by_time: (/** @type {Labels} */ { date, step }) => `Number of rows by ${step} of ${date}`,
    distinct: (/** @type {Labels} */ { text, other }) => `Number of different ${other} by ${text}`,
    total: (/** @type {Labels} */ { number }) => (number ? `Total of ${number}` : "Number of rows"),
  },
  sections: Object.freeze({
    groups: "Group by",
    groupsHint: "",
    aggregates: "Compute",
    where: "Only rows where",
    having: "Keep results where",
    order: "Sort by",
    output: "Result",
  }),
  groups: Object.freeze({
    add: "Column",
    column: (/** @type {number} */ position) => `Group column ${position}`,
    how: (/** @type {string} */ name) => `How to group ${name}`,
    remove: (/** @type {string} */ name) => `Do not group by ${name}`,
    trim: "Ignore spaces around the text",
    normalize: "Treat composed and decomposed accents as the same",
    pattern: "Pattern (regular expression)",
    from: "from",
    characters: "characters",
    hows: Object.freeze({
      plain: "each value",
      dates: "Dates",
      parts: "All years together",
      texts: "Text",
      substring: "some characters …",
      match: "part that matches …",
      /** @type {Labels} */
      truncate: {
        hour: "by hour",
        day: "by day",
        week: "by week",
        month: "by month",
        quarter: "by quarter",
        year: "by year",
      },
      /** @type {Labels} */
      part: {
        hour: "hour of the day",
        day: "day of the month",
        weekday: "weekday",
        month: "month of the year",
        year: "year, as a part",
      },
      /** @type {Labels} */
      case: { lower: "in lower case", upper: "in upper case" },
    }),
  }),
  aggregates: Object.freeze({
    add: "Value",
    addCount: "Number of rows",
    function: (/** @type {number} */ position) => `Function ${position}`,
    column: (/** @type {string} */ name) => `Column for ${name}`,
    remove: (/** @type {string} */ name) => `Remove ${name}`,
    of: "of",
    rows: "rows",
    pair: "two columns …",
    left: "First column",
    right: "Second column",
    operator: "Arithmetic",
    /** @type {Labels} */
    operators: { multiply: "×", add: "+", subtract: "−" },
    p: "percent",
    dividend: "Divide",
    divisor: "By",
    choose: "choose a value",
    type: "Read cells as",
    separator: "Between the texts",
    empty: "An empty cell is an error",
    some: "Only from rows that meet a condition",
    where: "from rows where",
    /** @type {Labels} */
    functions: {
      sum: "Sum",
      avg: "Average",
      count: "Number",
      min: "Smallest",
      max: "Largest",
      median: "Median",
      percentile: "Percentile",
      count_distinct: "Number of different",
      mode: "Most frequent",
      concat_distinct: "List of different",
      first: "First",
      last: "Last",
      stddev: "Standard deviation",
      variance: "Variance",
      count_if: "Number if",
      sum_if: "Sum if",
      ratio: "Ratio",
    },
  }),
  filters: Object.freeze({
    add: "Condition",
    addResult: "Condition on the result",
    nest: "Group of conditions",
    group: "Conditions",
    word: "How the conditions are joined",
    all: "all of these hold",
    any: "any of these holds",
    negated: "The following does not hold",
    column: "Column of the condition",
    operator: "Comparison",
    value: "Value",
    values: "Values, one in each line",
    kind: "Compared as",
    remove: "Remove the condition",
    /** @type {Labels} */
    kinds: { text: "as text", number: "as number", date: "as date", integer: "as whole number" },
    /** @type {Labels} */
    placeholders: { text: "text", number: "0", integer: "0", date: "2026-01-31" },
    /** @type {Labels} */
    operators: {
      "=": "is",
      "!=": "is not",
      ">": "is more than",
      ">=": "is at least",
      "<": "is less than",
      "<=": "is at most",
      in: "is one of",
      contains: "contains",
      starts_with: "starts with",
      is_empty: "is empty",
    },
    /** @type {Labels} */
    ofDates: { ">": "is after", ">=": "is from", "<": "is before", "<=": "is until" },
  }),
  order: Object.freeze({
    add: "Column",
    column: (/** @type {number} */ position) => `Sort column ${position}`,
    direction: "Direction",
    down: "largest first",
    up: "smallest first",
    remove: (/** @type {string} */ name) => `Do not sort by ${name}`,
  }),
  output: Object.freeze({
    limit: "At most",
    allRows: "all rows",
    format: "Format",
    escape: "Make text that looks like a formula harmless for spreadsheets",
    strict: "Fail if there is any warning",
    /** @type {Labels} */
    formats: {
      csv: "CSV",
      "csv.gz": "CSV, gzip",
      "csv.zst": "CSV, zstd",
      jsonl: "JSON lines",
      parquet: "Parquet",
      xlsx: "Excel",
    },
  }),
  spec: Object.freeze({
    title: "The same as text",
    tabs: { json: "JSON", run: "Command line", curl: "curl" },
  }),
  table: Object.freeze({
    region: "The first rows",
    caption: "The first rows of the file, with the kinds of the columns",
    line: "Line",
    unnamed: "(no name)",
    empty: "empty",
    moreColumns: (/** @type {string} */ count) => `and ${count} more`,
    showAll: (/** @type {number} */ count) => `Show ${count} rows`,
    summary: (
      /** @type {number} */ rows,
      /** @type {number} */ columns,
      /** @type {boolean} */ whole,
    ) => {
      const counted = plural(rows, "1 row", `${rows.toLocaleString("en")} rows`);
      const wide = plural(columns, "1 column", `${columns.toLocaleString("en")} columns`);
      return whole ? `${counted}, ${wide}.` : `${counted} in the first MiB, ${wide}.`;
    },
    /** @type {Labels} */
    types: {
      integer: "whole number",
      number: "number",
      date: "date",
      text: "text",
      empty: "empty",
    },
  }),
  notes: Object.freeze({
    unreadable: "The file cannot be read",
    sheet: "Which sheet of the workbook?",
    delimiter: "It is not certain what separates the columns",
    header: "Is the first line a header?",
    headerYes: "Yes, it names the columns",
    headerNo: "No, it is data",
    proposal: "The file seems to need these settings",
    accept: "Use these settings",
    doubts: (/** @type {number} */ count) => plural(count, "One thing to check", "Things to check"),
    badRows: (/** @type {string} */ shown, /** @type {number} */ count) =>
      plural(count, "One row is malformed", `${shown} rows are malformed`),
    badRowsRemedy:
      "Such a row fails the job, unless it is left out: the report then counts it, and shows why.",
    moreProblems: (/** @type {string} */ count) => `and ${count} more`,
    where: (
      /** @type {number | null} */ line,
      /** @type {number | null} */ column,
      /** @type {string} */ name,
    ) => {
      const place = line === null ? "" : `Line ${line}`;
      const cell = column === null ? "" : `column ${column}${name ? ` (${name})` : ""}`;
      return `${[place, cell].filter(Boolean).join(", ")}:`;
    },
    found: (/** @type {string} */ found, /** @type {string} */ expected) =>
      `${found}; expected ${expected}.`,
    set: (/** @type {string} */ label) => `Set “${label}”`,
    severalLines: (/** @type {number} */ rows, /** @type {number} */ lines) =>
      `${rows} rows span several lines, the longest ${lines}: stray quotes may join rows`,
  }),
});
