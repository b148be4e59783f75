/**
 * What a warning about a file is called, and what a person can do about it, by kind. What was found
 * is told by the service.
 */

/**
 * @typedef {object} WarningWords
 * @property {string} title
 * @property {string} remedy
 */

const FILTER = "Leave such rows out with a filter, or remove them from the file.";

export const warnings = Object.freeze({
  heading: (/** @type {number} */ count) =>
    count === 1 ? "One thing to check" : `${count} things to check`,
  lead: "The result is computed as you asked. These places in the file may mean something else.",
  other: "Something to check",
  place: (/** @type {string} */ file, /** @type {string} */ line, /** @type {number} */ count) => {
    const place = [file, line && `line ${line}`].filter(Boolean).join(", ");
    return place && (file || count !== 1) ? `${count === 1 ? "" : "first "}in ${place}` : place;
  },
  /** The part of a remedy that there is no reason for before a job. */
  runAgain: /\brun again and /i,
  again: "Run again with other settings",
  filter: "the filter",

  /** @type {Record<string, WarningWords>} */
  kinds: {
    assumed_encoding: {
      title: "The encoding was guessed",
      remedy: "If letters look wrong, run again and choose the encoding of the file.",
    },
    utf8_text: {
      title: "The file looks like UTF-8, but was read in another encoding",
      remedy: "If letters look wrong, run again and choose UTF-8.",
    },
    assumed_header: {
      title: "The first row was taken for names of columns",
      remedy: "If it is data, run again and say that the file has no header.",
    },
    assumed_quote: {
      title: "Quotes were read as part of the text",
      remedy: "If they enclose cells, run again and choose the quote character.",
    },
    unit_row: {
      title: "The row below the names seems to have units",
      remedy: "Run again and skip it as a comment, or leave it out with a filter.",
    },
    grouped_integers: {
      title: "Numbers may be a thousand times larger",
      remedy: "Run again and choose the decimal and the thousands separator of the file.",
    },
    quote_in_text: {
      title: "Quotes in the middle of cells",
      remedy: "If they should enclose text, correct the file; if not, choose to read no quotes.",
    },
    repeated_header: { title: "The names of the columns occur again", remedy: FILTER },
    similar_header: {
      title: "Another table may begin in the middle",
      remedy: "Run again and skip what is below the table, or leave those rows out with a filter.",
    },
    total_row: {
      title: "A row looks like a total",
      remedy: "Leave it out with a filter, so that nothing counts twice.",
    },
    total_group: {
      title: "A group looks like the total of all others",
      remedy: "Leave it out with a filter, so that nothing counts twice.",
    },
    sum_row: {
      title: "The first or last row is the sum of all others",
      remedy: "Leave it out with a filter, so that nothing counts twice.",
    },
    empty_row: { title: "Rows without any value", remedy: FILTER },
    note_row: {
      title: "The last row may be a note",
      remedy: "Run again and skip the lines below the table, or leave the row out with a filter.",
    },
    blank_group: {
      title: "Rows without a group",
      remedy: "Fill the empty cells, or leave such rows out with a filter.",
    },
    below_empty_line: {
      title: "Another table may begin below an empty line",
      remedy: "Run again and skip what is below the table, or remove the empty lines.",
    },
    padded_records: {
      title: "Rows with too few cells were filled",
      remedy: "Check these lines: values may be in the wrong column.",
    },
    truncated_records: {
      title: "Rows with too many cells were cut",
      remedy: "Check these lines: a delimiter within a cell may have divided it.",
    },
    records_in_quotes: {
      title: "Several rows may have been read as one",
      remedy: "Check the quotes in these lines, or choose to read no quotes.",
    },
    trailing_delimiters: {
      title: "All rows end in a delimiter, but not the header",
      remedy: "If a name is missing in the header, add it to the file.",
    },
    similar_groups: {
      title: "Groups that may be the same",
      remedy: "Run again and let upper and lower case, blanks or accents not count in this column.",
    },
    similar_distinct: {
      title: "Values that may be the same",
      remedy: "If they mean the same, correct the cells, or group by this column too.",
    },
    similar_values: {
      title: "The filter left out values that look alike",
      remedy: "If they mean the same, add each spelling to the filter, or correct the cells.",
    },
    kept_values: {
      title: "The filter kept values that look like those it leaves out",
      remedy:
        "If they mean the same, leave out each spelling with the filter, or correct the cells.",
    },
  },
});
