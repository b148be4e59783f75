/** The texts of `<csv-look>`: the result as a chart and a table. */

const COUNT = new Intl.NumberFormat("en");

/** @param {number} count */
const n = (count) => COUNT.format(count);

/** @type {(count: number, one: string, many: string) => string} */
const counted = (count, one, many) => `${n(count)} ${count === 1 ? one : many}`;

/** As `A, B and C`. @param {readonly string[]} names */
const listed = (names) =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

export const look = Object.freeze({
  title: "Result",
  size: (/** @type {number} */ rows, /** @type {number} */ columns) =>
    `${counted(rows, "row", "rows")}, ${counted(columns, "column", "columns")}`,
  loading: "Loading the first rows …",
  failed: "The result cannot be shown",
  expired: "The result was removed",
  expiredHint:
    "It was deleted, or kept as long as the service keeps results. Upload the file again to compute it anew.",
  empty: "The result has no rows",
  emptyHint: "No row of the file was left by the conditions of the question.",

  chart: {
    shapes: { bar: "Bars", line: "Lines", table: "Table only" },
    shape: "Show as",
    measure: "Values",
    withRest: "Add the sum of all others",
    most: "Most bars",
    title: (/** @type {string} */ measure, /** @type {readonly string[]} */ groups) =>
      groups.length > 0 ? `${measure} by ${listed(groups)}` : measure,
    and: ", ",
    empty: "(empty)",
    rest: "All others",
    loading: "Loading the chart …",
    failed: "The chart cannot be loaded",
    nothing: "There is nothing to draw: no row has a value.",
    point: (/** @type {string} */ label, /** @type {string} */ values) => `${label}: ${values}`,
    series: (/** @type {string} */ name, /** @type {string} */ value) => `${name} ${value}`,
    total: "Total",
    none: "no value",
    hint: "Chart. The arrow keys move between its values.",
    data: "Data of the chart",
    svg: "Save as SVG",
    png: "Save as PNG",
    savedFailed: "The picture could not be made",
    largest: (/** @type {number} */ shown, /** @type {number} */ all) =>
      `The ${n(shown)} largest of ${n(all)}.`,
    largestRows: (
      /** @type {number} */ shown,
      /** @type {number} */ all,
      /** @type {string} */ by,
    ) => `The ${n(shown)} rows with the largest ${by}, of ${n(all)} rows.`,
    latestRows: (
      /** @type {number} */ shown,
      /** @type {number} */ all,
      /** @type {string} */ by,
    ) => `The latest ${n(shown)} of ${n(all)} rows by ${by}.`,
    firstRows: (/** @type {number} */ shown, /** @type {number} */ all) =>
      `Only from the first ${n(shown)} of ${n(all)} rows, as the result is too large to be sorted here.`,
    added: (/** @type {string} */ columns) => `Added up over ${columns}.`,
    others: (/** @type {number} */ count, /** @type {string} */ by) =>
      `“All others” is the sum of the other ${counted(count, "group", "groups")} of ${by}.`,
    leftOut: (/** @type {number} */ shown, /** @type {number} */ all, /** @type {string} */ by) =>
      `The ${n(shown)} largest of ${n(all)} groups of ${by}; the others are not drawn.`,
  },

  table: {
    label: "Rows of the result",
    filter: "Find in the loaded rows",
    shown: (/** @type {number} */ shown, /** @type {number} */ all) =>
      shown !== all
        ? `${n(shown)} of ${n(all)} rows.`
        : all === 1
          ? "The only row."
          : `All ${n(all)} rows.`,
    first: (/** @type {number} */ shown, /** @type {number} */ all) =>
      `The first ${n(shown)} of ${n(all)} rows.`,
    sorted: (
      /** @type {number} */ shown,
      /** @type {number} */ all,
      /** @type {string} */ by,
      /** @type {boolean} */ descending,
    ) =>
      `The first ${n(shown)} of ${n(all)} rows by ${by}, ${descending ? "largest first" : "smallest first"}.`,
    matching: (/** @type {number} */ found, /** @type {number} */ loaded) =>
      `${n(found)} of ${n(loaded)} loaded rows match.`,
    noMatch: "No loaded row contains this text.",
    more: (/** @type {number} */ count) => `Show ${n(count)} more`,
    most: (/** @type {number} */ most) =>
      `The page shows at most ${n(most)} rows. Sort by a column to see others first, or download the result.`,
    longRows: "More rows do not fit into a preview. Download the result to see them.",
    sorting: "Sorting …",
    sortFailed: "The result cannot be sorted here",
    copy: "Copy rows",
    null: "no value",
    moreText: (/** @type {number} */ count) => `… ${n(count)} more characters`,
  },
});
