/** Questions that the kinds of the columns suggest. */

/** @typedef {import("./columns.js").FileColumn} FileColumn */
/** @typedef {import("./types.js").Question} Question */

/**
 * A question to begin with.
 * @typedef {object} Suggestion
 * @property {"sum_by_time" | "sum_by" | "top" | "avg_by" | "rows_by" | "rows_by_time" | "distinct" | "total"} kind
 * @property {{[part: string]: string}} labels names of columns for its text
 * @property {Pick<Question, "group_by" | "aggregates" | "order_by" | "limit">} question
 */

const MOST = 6;
const TOP = 10;
/** Names of numbers that are no amounts. */
const CODES =
  /(?:^|[\s_-])(?:id|key|nr|no|num|code|zip|plz|postcode|phone|year|jahr|index|lat|lon|latitude|longitude)$|(?:Id|ID)$/i;
/** Names of amounts, of which sums are asked for; the first kind is asked for more often. */
const AMOUNTS = [
  /amount|total|sum|price|revenue|sales|cost|plays|betrag|umsatz|preis|value/i,
  /count|quantity|qty|units|menge|volume|duration|bytes|size|number/i,
];

/**
 * Returns questions about a file, the likeliest first.
 * @param {readonly FileColumn[]} columns
 * @param {readonly {cells: readonly string[]}[]} rows the first records
 * @returns {Suggestion[]}
 */
export function suggestions(columns, rows) {
  const [date] = columns.filter((each) => each.type === "date");
  const numbers = columns
    .filter((each) => isNumber(each) && !CODES.test(each.view.name))
    .sort((a, b) => amountRank(a) - amountRank(b));
  const texts = columns.filter((each) => each.type === "text").sort(byRepetition(rows));
  const [number] = numbers;
  const [text, other] = texts;
  const step = date && timeStep(date);
  /** @type {(Suggestion | null | undefined | false)[]} */
  const found = [
    date &&
      step &&
      number && {
        kind: "sum_by_time",
        labels: { number: number.label, date: date.label, step },
        question: ask([{ column: date.column, truncate: step }], [sum(number)]),
      },
    number &&
      text && {
        kind: "sum_by",
        labels: { number: number.label, text: text.label },
        question: ask([{ column: text.column }], [sum(number)]),
      },
    number &&
      text && {
        kind: "top",
        labels: { number: number.label, text: text.label, count: String(TOP) },
        question: {
          ...ask([{ column: text.column }], [{ ...sum(number), name: totalName(number) }]),
          order_by: [{ column: totalName(number), descending: true }],
          limit: TOP,
        },
      },
    number &&
      text && {
        kind: "avg_by",
        labels: { number: number.label, text: text.label },
        question: ask([{ column: text.column }], [{ function: "avg", column: number.column }]),
      },
    text && {
      kind: "rows_by",
      labels: { text: text.label },
      question: {
        ...ask([{ column: text.column }], [{ function: "count" }]),
        order_by: [{ column: "count", descending: true }],
      },
    },
    date &&
      step &&
      !number && {
        kind: "rows_by_time",
        labels: { date: date.label, step },
        question: ask([{ column: date.column, truncate: step }], [{ function: "count" }]),
      },
    text &&
      other && {
        kind: "distinct",
        labels: { text: text.label, other: other.label },
        question: ask(
          [{ column: text.column }],
          [{ function: "count_distinct", column: other.column }],
        ),
      },
    number && {
      kind: "total",
      labels: { number: number.label },
      question: ask([], [sum(number), { function: "count" }]),
    },
    !number &&
      !text &&
      columns.length > 0 && {
        kind: "total",
        labels: {},
        question: ask([], [{ function: "count" }]),
      },
  ];
  return found.filter((each) => !!each).slice(0, MOST);
}

/** @param {FileColumn} column */
function amountRank({ view }) {
  const found = AMOUNTS.findIndex((pattern) => pattern.test(view.name));
  return found < 0 ? AMOUNTS.length : found;
}

/** @param {FileColumn} column */
function isNumber({ type }) {
  return type === "integer" || type === "number";
}

/** @param {FileColumn} number */
function sum(number) {
  return { function: "sum", column: number.column };
}

/** @param {FileColumn} number */
function totalName(number) {
  return `Total ${number.view.name.trim().slice(0, 80) || `@${number.view.position}`}`;
}

/**
 * @param {Question["group_by"]} group_by
 * @param {Question["aggregates"]} aggregates
 */
function ask(group_by, aggregates) {
  return { group_by, aggregates, order_by: [], limit: null };
}

/**
 * Sorts columns whose values recur before others, and codes last; else as in the file.
 * @param {readonly {cells: readonly string[]}[]} rows
 */
function byRepetition(rows) {
  /** @param {FileColumn} column */
  const rank = ({ view }) => {
    const cells = rows.map((row) => row.cells[view.position - 1] ?? "").filter(Boolean);
    const different = new Set(cells).size;
    const recurs = cells.length > 0 && different <= cells.length / 2;
    return (CODES.test(view.name) ? 2 : 0) + (recurs ? 0 : 1);
  };
  return (/** @type {FileColumn} */ a, /** @type {FileColumn} */ b) => rank(a) - rank(b);
}

/**
 * Returns by what dates of a column are cut, from how far its first values are apart.
 * @param {FileColumn} column
 */
function timeStep({ view }) {
  const times = view.samples.map((each) => Date.parse(each.replace(" ", "T"))).filter(Boolean);
  const days = (Math.max(...times) - Math.min(...times)) / 86_400_000;
  const hasTime = view.samples.some((each) => /[T ][0-9]{2}:/.test(each));
  return hasTime && days < 2 ? "day" : "month";
}
