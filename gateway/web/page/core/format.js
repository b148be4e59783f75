/** Numbers, times and sizes as people read them. */

const LOCALE = "en";
const UNITS = ["bytes", "kB", "MB", "GB", "TB", "PB"];
const COUNT = new Intl.NumberFormat(LOCALE);
const TIME = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short" });
const EXACT_TIME = new Intl.DateTimeFormat(LOCALE, { dateStyle: "full", timeStyle: "long" });
const RELATIVE = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });

/** What is shown for a value that is not known. */
export const UNKNOWN = "–";

/**
 * As `12.3 MB`, with three digits; 1 kB is 1,000 bytes.
 * @param {number | null | undefined} bytes
 */
export function formatBytes(bytes) {
  if (bytes === null || bytes === undefined || !Number.isFinite(bytes)) return UNKNOWN;
  if (bytes < 1000) return bytes === 1 ? "1 byte" : `${Math.round(bytes)} bytes`;
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/**
 * As `12.3 MB/s`.
 * @param {number | null | undefined} bytesPerSecond
 */
export function formatRate(bytesPerSecond) {
  const text = formatBytes(bytesPerSecond);
  return text === UNKNOWN ? text : `${text}/s`;
}

/**
 * As `1,234,567`.
 * @param {number | null | undefined} count
 */
export function formatCount(count) {
  return count === null || count === undefined ? UNKNOWN : COUNT.format(count);
}

/**
 * As `42.1 %`; never `100 %` for less than all.
 * @param {number | null | undefined} percent 0 to 100
 */
export function formatPercent(percent) {
  if (percent === null || percent === undefined || !Number.isFinite(percent)) return UNKNOWN;
  if (percent >= 100) return "100 %";
  return `${(Math.floor(percent * 10) / 10).toFixed(1)} %`;
}

/**
 * As `3 s`, `2 min 5 s`, `1 h 12 min` or `3 d 4 h`; below ten seconds with a tenth if `exact`.
 * @param {number | null | undefined} seconds
 * @param {{exact?: boolean}} [options]
 */
export function formatDuration(seconds, { exact = false } = {}) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return UNKNOWN;
  if (exact && seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (exact && seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(whole / 60);
  if (minutes < 24 * 60) return pair(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(whole / 3600);
  return pair(Math.floor(hours / 24), "d", hours % 24, "h");
}

/**
 * @param {number} large
 * @param {string} unit
 * @param {number} small
 * @param {string} smallUnit
 */
function pair(large, unit, small, smallUnit) {
  return small ? `${large} ${unit} ${small} ${smallUnit}` : `${large} ${unit}`;
}

/**
 * As `Nov 30, 2026, 9:05 AM`, in the time zone of the browser.
 * @param {string | number | Date | null | undefined} time
 */
export function formatTime(time) {
  return time === null || time === undefined ? UNKNOWN : TIME.format(new Date(time));
}

/**
 * With weekday, seconds and time zone, for a title.
 * @param {string | number | Date} time
 */
export function formatExactTime(time) {
  return EXACT_TIME.format(new Date(time));
}

/**
 * As `5 minutes ago`; as `formatTime` if it is longer ago than a week.
 * @param {string | number | Date | null | undefined} time
 * @param {number} [now] milliseconds
 */
export function formatAgo(time, now = Date.now()) {
  if (time === null || time === undefined) return UNKNOWN;
  const seconds = (new Date(time).getTime() - now) / 1000;
  const distance = Math.abs(seconds);
  if (distance < 45) return seconds > 0 ? "in a moment" : "just now";
  if (distance < 45 * 60) return RELATIVE.format(Math.round(seconds / 60), "minute");
  if (distance < 22 * 3600) return RELATIVE.format(Math.round(seconds / 3600), "hour");
  if (distance < 7 * 86400) return RELATIVE.format(Math.round(seconds / 86400), "day");
  return formatTime(time);
}
