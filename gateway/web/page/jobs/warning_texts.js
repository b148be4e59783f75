/** What a warning about a file says, of a job or of an inspection. */

import { formatCount } from "../core/format.js";
import { inSentence } from "../core/plain.js";
import { inLabels, sentence } from "../core/wording.js";
import { warnings as words } from "../texts/warnings.js";

/** The part of the question that the page calls the filter, as messages of the service name it. */
const FILTER =
  /(?<= a value (?:in|that) |: )where(?=(?: excludes)? without being equal| (?:excluded|kept) such records)/g;

/**
 * What a warning says: its title, what was found, where, and what to do. An unknown kind speaks for
 * itself.
 * @param {import("./api.js").FileWarning} found
 */
export function warningTexts(found) {
  const known = words.kinds[found.kind];
  return {
    title: known?.title ?? words.other,
    message: inLabels(found.message.replace(FILTER, words.filter)),
    remedy: known?.remedy ?? inLabels(found.remedy),
    place: words.place(
      found.file ? inSentence(found.file) : "",
      found.line === null ? "" : formatCount(found.line),
      found.count,
    ),
  };
}

/**
 * The same before a job: there is nothing to run again.
 * @param {import("./api.js").FileWarning} found
 */
export function textsBeforeJob(found) {
  const texts = warningTexts(found);
  return { ...texts, remedy: sentence(texts.remedy.replace(words.runAgain, "")) };
}
