/** A question (the JSON of an aggregation) in words. Column names are plain text, and hostile. */

import { question as words } from "../texts/question.js";
import { inSentence as plain } from "./plain.js";

/** @typedef {{[key: string]: any}} Json */

/**
 * Returns what an aggregation computes, as "Sum of Plays by Song, where Plays > 0, the 10 largest by
 * sum(Plays)".
 * @param {Json | null | undefined} aggregation
 * @param {{most?: number}} [options] how many columns, aggregates, conditions and values are named
 *   before "and 3 more"
 */
export function inWords(aggregation, { most = 4 } = {}) {
  if (!aggregation) return "";
  if (isSongPlays(aggregation)) return words.songPlays;
  const groups = list(aggregation.group_by);
  const aggregates = list(aggregation.aggregates);
  const what = words.and(
    some(
      aggregates.map((each) => aggregateWords(each, most)),
      most,
    ),
  );
  const by = words.and(some(groups.map(groupWords), most));
  const parts = [
    groups.length === 0
      ? words.ofAll(what)
      : aggregates.length === 0
        ? words.different(by)
        : words.by(what, by),
  ];
  if (aggregation.where) parts.push(words.where(conditionWords(aggregation.where, most)));
  if (aggregation.having) parts.push(words.having(conditionWords(aggregation.having, most)));
  parts.push(...orderWords(aggregation, groups, most));
  const format = words.formats[aggregation.output];
  if (format) parts.push(words.output(format));
  return capital(parts.join(", "));
}

/**
 * Whether it is the aggregation that the first clients expect.
 * @param {Json} aggregation
 */
function isSongPlays({ group_by, aggregates, where, having, order_by, limit, output }) {
  const [one, two, ...others] = list(group_by);
  const [sum, ...more] = list(aggregates);
  return (
    one?.column === 1 &&
    one.name === "Song" &&
    two?.column === 2 &&
    two.name === "Date" &&
    others.length === 0 &&
    sum?.function === "sum" &&
    sum.column === 3 &&
    more.length === 0 &&
    !where &&
    !having &&
    !limit &&
    list(order_by).length === 0 &&
    (output ?? "csv") === "csv"
  );
}

/**
 * Returns a column that groups, as "month of Date".
 * @param {unknown} group
 */
export function groupWords(group) {
  if (!isObject(group)) return columnWords(group);
  const column =
    typeof group.column === "number" && group.name ? plain(group.name) : columnWords(group.column);
  const dated = words.truncate[group.truncate] ?? words.parts[group.part];
  if (dated) return dated(column);
  if (Array.isArray(group.substring)) {
    const [from, count] = group.substring;
    return from === 1
      ? words.start(count, column)
      : words.characters(from, from + count - 1, column);
  }
  return group.match ? words.match(column, plain(group.match)) : column;
}

/**
 * Returns what an aggregate computes, as "sum of Plays".
 * @param {Json} aggregate
 * @param {number} [most]
 */
export function aggregateWords(aggregate, most = 4) {
  const name = String(aggregate.function);
  const column = operandWords(aggregate);
  let text;
  if (name === "ratio") {
    const [one, other] = list(aggregate.of);
    text = words.ratio(plain(one), plain(other));
  } else if (name === "percentile") {
    text = words.percentile(aggregate.p, column);
  } else if (!column) {
    text = ["count", "count_if"].includes(name)
      ? words.rows
      : words.unknownFunction(plain(name), "");
  } else {
    const dated = aggregate.type === "date" ? words.ofDates[name] : undefined;
    const known = dated ?? words.functions[name];
    text = known ? known(column) : words.unknownFunction(plain(name), column);
  }
  if (!aggregate.where) return text;
  return `${text} ${words.where(conditionWords(aggregate.where, most))}`;
}

/** @param {Json} aggregate */
function operandWords(aggregate) {
  for (const [key, sign] of Object.entries(words.arithmetic)) {
    const pair = aggregate.column?.[key];
    if (Array.isArray(pair)) return words.group(pair.map(columnWords).join(` ${sign} `));
  }
  return aggregate.column === undefined ? "" : columnWords(aggregate.column);
}

/**
 * Returns a condition, as "Country is DE or AT, and Plays > 0".
 * @param {Json} condition
 * @param {number} [most]
 * @returns {string}
 */
export function conditionWords(condition, most = 4) {
  for (const [key, join] of /** @type {const} */ ([
    ["and", words.and],
    ["or", words.or],
  ])) {
    const parts = condition[key];
    if (Array.isArray(parts)) {
      const inner = parts.map((part) => {
        const text = conditionWords(part, most);
        return part.and || part.or ? words.group(text) : text;
      });
      return join(some(inner, most));
    }
  }
  if (condition.not) return words.not(conditionWords(condition.not, most));
  const { op, value } = condition;
  const texts = Array.isArray(value)
    ? words.or(
        some(
          value.map((each) => valueWords(each, condition.type)),
          most,
        ),
      )
    : valueWords(value, condition.type);
  const known = words.conditions[op];
  const column = columnWords(condition.column);
  return known ? known(column, texts) : `${column} ${plain(op)} ${texts}`;
}

/**
 * @param {unknown} value
 * @param {unknown} type
 */
function valueWords(value, type) {
  if (typeof value === "string" && type !== "number" && type !== "integer" && type !== "date") {
    return words.text(plain(value));
  }
  return plain(value ?? "");
}

/**
 * @param {Json} aggregation
 * @param {unknown[]} groups
 * @param {number} most
 * @returns {string[]}
 */
function orderWords({ order_by, limit }, groups, most) {
  const orders = list(order_by).map((each) => (isObject(each) ? each : { column: each }));
  const [main] = orders;
  if (!main) return limit ? [words.firstRows(limit)] : [];
  if (!limit) {
    const names = orders.map(({ column, descending }) =>
      descending ? words.descending(columnWords(column)) : columnWords(column),
    );
    return [words.sorted(words.and(some(names, most)))];
  }
  const name = columnWords(main.column);
  const groupNames = groups.map((each) => (isObject(each) ? (each.name ?? each.column) : each));
  const ofGroup = groupNames.includes(main.column);
  if (main.descending) return [ofGroup ? words.last(limit, name) : words.largest(limit, name)];
  return [ofGroup ? words.first(limit, name) : words.smallest(limit, name)];
}

/** @param {unknown} column a name, or a position from 1 */
function columnWords(column) {
  if (column === "@file") return words.fileName;
  return typeof column === "number" ? words.column(column) : plain(column);
}

/**
 * @param {string[]} items
 * @param {number} most
 */
function some(items, most) {
  if (items.length <= most + 1) return items;
  return [...items.slice(0, most), words.more(items.length - most)];
}

/** @param {string} text */
function capital(text) {
  const [first = ""] = text;
  return first.toUpperCase() + text.slice(first.length);
}

/** @param {unknown} value @returns {any[]} */
function list(value) {
  return Array.isArray(value) ? value : [];
}

/** @param {unknown} value @returns {value is Json} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
