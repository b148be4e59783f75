/** A question as a command: `csvmill run`, and curl. */

import { FUNCTION_OF } from "./functions.js";
import {
  aggregateOption,
  conditionItems,
  groupItem,
  orderItem,
  resultCondition,
  rowCondition,
} from "./grammar.js";
import { inputOptions } from "./input_options.js";
import { commandOf, fileWord, shellWord } from "./shell.js";

/** @typedef {import("./types.js").Aggregation} Aggregation */
/** @typedef {[string] | [string, string]} Option */

/** The longest URL of the service is 8 KiB; a word of a spec may become three times as long. */
const LONGEST_IN_URL = 6000;

/**
 * Returns the line that computes the same with the command line, for a POSIX shell.
 * @param {Aggregation} aggregation
 * @param {string} name of the file
 * @param {string} server
 */
export function runCommand(aggregation, name, server) {
  const options = specOptions(aggregation);
  const spec = options ?? [/** @type {Option} */ (["--spec", JSON.stringify(aggregation)])];
  return commandOf([
    "csvmill run",
    fileWord(name),
    `-o ${fileWord(resultName(name, aggregation.output))}`,
    ...spec.map((words) => words.map(shellWord).join(" ")),
    `--server ${shellWord(server)}`,
  ]);
}

/**
 * Returns the line that computes the same of uploads that the service has.
 * @param {Aggregation} aggregation
 * @param {readonly string[]} uploads their ids
 * @param {string} server
 */
export function askCommand(aggregation, uploads, server) {
  const options = specOptions(aggregation);
  const spec = options ?? [/** @type {Option} */ (["--spec", JSON.stringify(aggregation)])];
  return commandOf([
    "csvmill ask",
    ...uploads.map(shellWord),
    `-o ${fileWord(resultName("", aggregation.output))}`,
    ...spec.map((words) => words.map(shellWord).join(" ")),
    `--server ${shellWord(server)}`,
  ]);
}

/**
 * Returns the line that asks for a job of uploads that the service has. Its answer is the job.
 * @param {Aggregation} aggregation
 * @param {readonly string[]} uploads their ids
 * @param {string} server
 * @param {boolean} withKey whether the service needs an API key
 */
export function curlAskCommand(aggregation, uploads, server, withKey) {
  return commandOf([
    "curl",
    `--json ${shellWord(JSON.stringify({ inputs: uploads, aggregation }))}`,
    ...(withKey ? ['-H "Authorization: Bearer $CSVMILL_API_KEY"'] : []),
    shellWord(`${server.replace(/\/+$/, "")}/api/v1/jobs`),
  ]);
}

/**
 * @param {string} name
 * @param {string} [output]
 */
function resultName(name, output = "csv") {
  const result = `result.${output}`;
  return name === result ? `totals.${output}` : result;
}

/**
 * Returns the options that say an aggregation; null if some of it needs `--spec`.
 * @param {Aggregation} aggregation
 * @returns {Option[] | null}
 */
export function specOptions(aggregation) {
  const { group_by = [], aggregates = [], where, having, order_by = [], ...rest } = aggregation;
  const groups = group_by.map(groupItem);
  const values = aggregates.map(aggregateOption);
  const counts = values.filter((each) => each?.length === 1);
  if (groups.includes(null) || values.includes(null) || counts.length > 1) return null;
  if (namesAreUnclear(aggregation)) return null;
  const input = inputOptions(rest.input ?? {});
  if (!input) return null;
  /** @type {(Option | false | undefined)[]} */
  const found = [
    groups.length > 0 && ["--group-by", groups.join(",")],
    .../** @type {Option[]} */ (values),
    ...(where ? conditionItems(where, rowCondition) : []).map(optionOf("--where")),
    ...(having ? conditionItems(having, resultCondition) : []).map(optionOf("--having")),
    order_by.length > 0 && ["--order-by", order_by.map(orderItem).join(",")],
    rest.limit !== undefined && ["--limit", String(rest.limit)],
    rest.output !== undefined && ["--format", rest.output],
    rest.output_options?.escape_formulas === true && ["--escape-formulas"],
    rest.on_warning === "fail" && ["--strict"],
    ...input,
  ];
  return found.filter((each) => Array.isArray(each));
}

/** @param {string} option */
function optionOf(option) {
  return (/** @type {string} */ value) => /** @type {Option} */ ([option, value]);
}

/**
 * Whether `--order-by` or `--having` would take the name of an output column for that of the input
 * column of another.
 * @param {Aggregation} aggregation
 */
function namesAreUnclear({ group_by = [], aggregates = [], having, order_by = [] }) {
  const orders = order_by.map((each) => (typeof each === "string" ? each : each.column));
  const groups = group_by.map((each) => (typeof each === "object" ? each : { column: each }));
  const outputs = new Set([
    ...groups.map(({ name, column }) => name ?? column),
    ...aggregates.map((each) => each.name ?? plainName(each)),
  ]);
  const sources = new Set([...groups, ...aggregates].map(({ column }) => column));
  /** @type {import("./types.js").Column[]} */
  const conditions = [];
  /** @param {import("./types.js").Filter} filter */
  const collect = (filter) => {
    if ("and" in filter) filter.and.forEach(collect);
    else if ("column" in filter) conditions.push(filter.column);
  };
  if (having) collect(having);
  return [...orders, ...conditions].some((name) => !outputs.has(name) && sources.has(name));
}

/** @param {import("./types.js").Aggregate} aggregate */
function plainName({ function: name, column, p }) {
  const word = FUNCTION_OF.get(name)?.parameter === "p" ? `p${p}` : name;
  return column === undefined ? word : `${word}(${column})`;
}

/**
 * Returns the line that sends a file to be aggregated. Its answer has the path of the job.
 * @param {Aggregation} aggregation
 * @param {string} name of the file
 * @param {string} server
 * @param {boolean} withKey whether the service needs an API key
 */
export function curlCommand(aggregation, name, server, withKey) {
  const text = JSON.stringify(aggregation);
  const asks = Object.keys(aggregation).length > 0;
  const uploads = `${server.replace(/\/+$/, "")}/api/v1/uploads`;
  const key = withKey ? ['-H "Authorization: Bearer $CSVMILL_API_KEY"'] : [];
  const glob = /[[\]{}]/.test(name) ? ["-g"] : []; // curl expands such names
  const file = `-T ${fileWord(name)}`;
  if (new TextEncoder().encode(encodeURIComponent(text)).length <= LONGEST_IN_URL) {
    return commandOf([
      "curl",
      ...glob,
      file,
      ...key,
      `--url-query ${shellWord(`name=${name}`)}`,
      ...(asks ? [`--url-query ${shellWord(`spec=${text}`)}`] : []),
      shellWord(uploads),
    ]);
  }
  const form = ["--form-string", shellWord(`spec=${text}`)].join(" ");
  const part = `-F ${shellWord(`file=@"${name.replace(/[\\"]/g, "\\$&")}";filename=data.csv`)}`;
  const old = shellWord(uploads.replace(/v1\/uploads$/, "upload_file"));
  return commandOf(["curl", ...key, form, part, old]);
}
