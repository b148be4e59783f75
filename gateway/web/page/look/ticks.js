/** The marks of axes: round numbers, and dates where months, days or hours begin. */

/**
 * @typedef {object} Ticks
 * @property {readonly number[]} values
 * @property {readonly string[]} labels one for each value
 * @property {readonly string[]} contexts what the labels leave out, such as the year, where it begins;
 *   else empty
 */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MONTH = 30.44 * DAY;
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** The steps between dates. @type {readonly [unit: "hour" | "day" | "month", count: number, length: number][]} */
const STEPS = [
  ["hour", 1, HOUR],
  ["hour", 3, 3 * HOUR],
  ["hour", 6, 6 * HOUR],
  ["hour", 12, 12 * HOUR],
  ["day", 1, DAY],
  ["day", 2, 2 * DAY],
  ["day", 7, 7 * DAY],
  ["month", 1, MONTH],
  ["month", 3, 3 * MONTH],
  ["month", 6, 6 * MONTH],
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map(
    (years) => /** @type {["month", number, number]} */ (["month", 12 * years, 12 * years * MONTH]),
  ),
];

const MONTH_NAME = new Intl.DateTimeFormat("en", { month: "short", timeZone: "UTC" });
const DAY_NAME = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" });

/**
 * Returns about `count` round numbers that enclose `least` and `greatest`.
 * @param {number} least
 * @param {number} greatest
 * @param {number} count
 * @returns {Ticks}
 */
export function numberTicks(least, greatest, count) {
  const from = Math.min(least, greatest);
  const to = greatest === least ? from + Math.max(Math.abs(from), 1) : Math.max(least, greatest);
  const step = niceStep((to - from) / Math.max(1, count));
  const first = Math.floor(from / step + 1e-9);
  const last = Math.ceil(to / step - 1e-9);
  const values = [];
  // The product has no digits that the step does not have.
  for (let i = first; i <= last; i += 1) values.push(Number((i * step).toPrecision(12)));
  return { values, labels: numberLabels(values, step), contexts: values.map(() => "") };
}

/** 1, 2 or 5 times a power of ten, at least `least`. @param {number} least */
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  const multiple = [1, 2, 5, 10].find((each) => each * power >= least * (1 - 1e-9)) ?? 10;
  return Number((multiple * power).toPrecision(12));
}

/**
 * @param {readonly number[]} values
 * @param {number} step
 */
function numberLabels(values, step) {
  const greatest = Math.max(...values.map(Math.abs));
  if (greatest >= 1e15 || step < 1e-6) return values.map(scientific);
  const compact = greatest >= 10_000;
  const unit = compact ? 1000 ** Math.floor(Math.log10(greatest) / 3 + 1e-9) : 1;
  const decimals = Math.max(0, -Math.floor(Math.log10(step / unit) + 1e-9));
  const format = new Intl.NumberFormat("en", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  const suffix = compact ? (["", "K", "M", "B", "T"][Math.round(Math.log10(unit) / 3)] ?? "") : "";
  return values.map((value) => (value === 0 ? "0" : format.format(value / unit) + suffix));
}

/** As `1.5×10¹⁸`. @param {number} value */
function scientific(value) {
  if (value === 0) return "0";
  const [mantissa, exponent] = value.toExponential().split("e");
  const digits = (exponent ?? "").replace("+", "");
  const raised = digits.replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)] ?? "");
  return `${mantissa}×10${raised.replace("-", "⁻")}`;
}

/**
 * Returns at most `count` times, at which hours, days, months or years begin, from `first` to `last`.
 * @param {number} first milliseconds since 1970, in UTC
 * @param {number} last
 * @param {number} count
 * @param {number} [least] milliseconds between two times, at least; a day if the dates are days
 * @returns {Ticks}
 */
export function dateTicks(first, last, count, least = HOUR) {
  const span = last - first;
  const fits = STEPS.filter(([, , length]) => length >= least * 0.9);
  const [unit, step] = fits.find(([, , length]) => span / length <= count) ??
    STEPS[STEPS.length - 1] ?? ["month", 12000];
  const values = unit === "month" ? months(first, last, step) : times(first, last, unit, step);
  const labels = values.map((value) => dateLabel(value, unit, step));
  const all = values.map((value) => dateContext(value, unit, step));
  return { values, labels, contexts: all.map((text, i) => (text === all[i - 1] ? "" : text)) };
}

/**
 * @param {number} first
 * @param {number} last
 * @param {number} step
 */
function months(first, last, step) {
  const values = [];
  const begin = new Date(first);
  const start = begin.getUTCFullYear() * 12 + begin.getUTCMonth();
  for (let month = Math.floor(start / step) * step; ; month += step) {
    const date = new Date(0);
    date.setUTCFullYear(Math.floor(month / 12), month % 12, 1);
    if (date.getTime() > last) return values;
    if (date.getTime() >= first) values.push(date.getTime());
  }
}

/**
 * @param {number} first
 * @param {number} last
 * @param {"hour" | "day"} unit
 * @param {number} step
 */
function times(first, last, unit, step) {
  const length = step * (unit === "hour" ? HOUR : DAY);
  // Weeks begin on Monday: 1970-01-05 was one.
  const origin = unit === "day" && step === 7 ? 4 * DAY : 0;
  const values = [];
  let value = Math.ceil((first - origin) / length) * length + origin;
  for (; value <= last; value += length) values.push(value);
  return values;
}

/**
 * @param {number} value
 * @param {"hour" | "day" | "month"} unit
 * @param {number} step
 */
function dateLabel(value, unit, step) {
  const date = new Date(value);
  if (unit === "hour") return `${String(date.getUTCHours()).padStart(2, "0")}:00`;
  if (unit === "day") return DAY_NAME.format(date);
  return step < 12 ? MONTH_NAME.format(date) : String(date.getUTCFullYear());
}

/**
 * @param {number} value
 * @param {"hour" | "day" | "month"} unit
 * @param {number} step
 */
function dateContext(value, unit, step) {
  const date = new Date(value);
  if (unit === "hour") return DAY_NAME.format(date);
  return unit === "month" && step >= 12 ? "" : String(date.getUTCFullYear());
}
