/** `<csv-ask>`: how a file is read, and the question about it. */

import { connection } from "../api/connection.js";
import { Problem } from "../api/problem.js";
import { problemBox } from "../components/states.js";
import { fill, h } from "../core/element.js";
import { announce } from "../core/focus.js";
import { define, Part } from "../core/part.js";
import { inWords } from "../core/question.js";
import { currentPlace, onPlace } from "../core/router.js";
import { needStyle } from "../core/style.js";
import { inLabels, sentence } from "../core/wording.js";
import { ask as texts } from "../texts/ask.js";
import { Builder } from "./builder.js";
import { fileColumns, nameAt, otherColumns } from "./columns.js";
import { declare } from "./dialect_fields.js";
import { clearErrors } from "./errors.js";
import { fragmentOf, questionIn } from "./fragment.js";
import { goneNotice, isGone } from "./gone.js";
import { aggregationOf, asksNothing, emptyQuestion } from "./question.js";
import { Reading } from "./reading.js";
import { ReadingCard } from "./reading_card.js";
import { redraw } from "./redraw.js";
import { SpecPanel } from "./spec.js";
import { playsCard, StartCard } from "./start_card.js";

/** @typedef {import("./types.js").Inspection} Inspection */
/** @typedef {import("./types.js").Question} Question */

await needStyle("ask");

/**
 * What `csv-start` says: what to compute.
 * @typedef {object} StartDetail
 * @property {boolean} together whether all files have one result
 * @property {import("./types.js").Aggregation | null} aggregation null is the sum of plays
 */

/**
 * Asks a person about `source`, and dispatches `csv-start` with `StartDetail`, and `csv-read` with an
 * inspection when the file was read. The question is in the fragment of the URL.
 */
export class AskPart extends Part {
  /** What it is about. @type {import("./source.js").Source | null} */
  source = null;
  /** The path of the place where the question is noted. */
  path = "/";

  /** For how many files the question is. */
  #count = 1;
  /** The columns of the other files. @type {readonly import("./types.js").ColumnView[]} */
  #others = [];
  /** @type {Question} */
  #question = emptyQuestion();
  /** The fragment of the question, as this part wrote or read it. */
  #fragment = "";
  /** @type {Inspection | null} */
  #inspection = null;
  /** @type {Reading | null} */
  #reading = null;
  #busy = false;
  /** Whether the file is being read in another way than what is shown. */
  #again = false;
  /** Whether a person has pressed the button while the question was being checked. */
  #wanted = false;
  /** Whether the service has refused the question. */
  #refused = false;
  /** Whether the service did not answer. */
  #unanswered = false;

  #plays = h("div", { class: "ask-plays" });
  #card = new ReadingCard(() => this.#corrected());
  #words = h("p", { class: "ask-words" });
  #problem = h("div", { class: "ask-problem" });
  #clear = h(
    "button",
    { type: "button", class: "small quiet", hidden: true, onclick: () => this.#empty() },
    texts.clear,
  );
  #builder = new Builder(this.#question, (step) => this.#changed(step));
  #startCard = new StartCard(() => this.#start());
  #spec = new SpecPanel();
  #body = h(
    "div",
    { class: "ask-body", hidden: true },
    h(
      "section",
      { class: "card ask-question", "aria-labelledby": "ask-question-title" },
      h(
        "div",
        { class: "ask-heading" },
        h("h2", { id: "ask-question-title" }, texts.questionTitle),
        this.#clear,
      ),
      this.#words,
      this.#problem,
      this.#builder.element,
    ),
    h("div", { class: "ask-aside" }, this.#startCard.element, this.#spec.element),
  );

  /** @override */
  start() {
    const { source, signal } = this;
    if (!source) return;
    fill(this, this.#plays, this.#card.element, this.#body);
    this.#inspection = null;
    this.#body.hidden = true;
    this.#card.begin();
    onPlace((place) => this.#restore(place), signal);
    this.#take(currentPlace());
    const reading = new Reading(source, {
      busy: (busy) => this.#working(busy),
      answer: (inspection) => this.#answer(inspection),
      error: (error) => this.#error(error),
    });
    this.#reading = reading;
    signal.addEventListener("abort", () => reading.stop());
    connection.addEventListener("change", () => this.#reconnected(), { signal });
    this.#read({ now: true, whole: true });
  }

  #reconnected() {
    if (this.#unanswered && connection.state === "online") this.#read({ now: true, whole: true });
  }

  /** Shows for how many files the question is. @param {number} count */
  setCount(count) {
    if (count === this.#count) return;
    this.#count = count;
    this.#drawPlays();
    this.#drawQuestion();
  }

  /**
   * Shows the columns of the other files too, while columns may be missing in some of them.
   * @param {readonly import("./types.js").ColumnView[]} views
   */
  setOthers(views) {
    const names = (/** @type {typeof views} */ each) =>
      JSON.stringify(each.map(({ name }) => name));
    if (names(views) === names(this.#others)) return;
    this.#others = views;
    this.#drawQuestion();
  }

  /** Whether columns may be missing in some of several files. */
  get unites() {
    return this.#question.input.columns === "union";
  }

  /** @param {boolean} unites whether columns may be missing in some of several files */
  unite(unites) {
    declare(this.#question.input, "columns", unites ? "union" : undefined);
    this.#card.drawFields();
    this.#drawStart();
    this.#corrected();
  }

  /** @param {{now?: boolean, whole?: boolean}} [options] as for `Reading.read` */
  #read(options = {}) {
    this.#again = options.whole === true;
    void this.#reading?.read(this.#question, options);
  }

  /** Takes the question of the URL. @param {import("../core/router.js").Place} place */
  #take(place) {
    try {
      this.#question = questionIn(place.query) ?? emptyQuestion();
    } catch {
      this.#question = emptyQuestion();
      announce(texts.lostQuestion, { urgent: true });
    }
    this.#fragment = location.hash;
    this.#card.input = this.#question.input;
  }

  /** Shows the question of the URL again, after Back. @param {import("../core/router.js").Place} place */
  #restore(place) {
    if (place.path !== this.path || location.hash === this.#fragment) return;
    this.#take(place);
    this.#card.drawFields();
    this.#drawQuestion();
    this.#read({ now: true, whole: true });
  }

  /** @param {boolean} step whether Back undoes what was changed */
  #note(step) {
    const fragment = fragmentOf(this.#question, this.path);
    if (fragment === this.#fragment) return;
    this.#fragment = fragment;
    if (step) history.pushState(null, "", fragment);
    else history.replaceState(history.state, "", fragment);
  }

  /** @param {boolean} step */
  #changed(step) {
    this.#note(step);
    this.#drawSpec();
    this.#drawPlays();
    this.#drawStart();
    this.#read();
  }

  #corrected() {
    this.#note(true);
    this.#drawSpec();
    this.#drawPlays();
    this.#read({ whole: true });
  }

  #empty() {
    this.#question = { ...emptyQuestion(), input: this.#question.input };
    this.#drawQuestion();
    this.#changed(true);
    this.#builder.element.querySelector("button")?.focus();
  }

  /** @param {boolean} busy */
  #working(busy) {
    this.#busy = busy;
    this.#card.working(busy, this.#again);
    if (busy || !this.#wanted) return;
    this.#wanted = false;
    this.#start();
  }

  /** @param {Inspection} inspection */
  #answer(inspection) {
    const before = this.#inspection;
    this.#inspection = inspection;
    this.#refused = this.#unanswered = false;
    clearErrors(this);
    fill(this.#problem);
    this.#body.hidden = inspection.error !== null;
    const isSame = before !== null && sameColumns(before, inspection);
    if (this.#again || !isSame) this.#card.show(inspection);
    if (isSame) this.#drawStart();
    else this.#drawQuestion();
    this.#drawPlays();
    if (inspection.misfit && !asksNothing(this.#question) && !this.#isOfOther(inspection)) {
      this.#refuse(inspection.misfit_field ?? "", inspection.misfit);
    }
    this.dispatchEvent(new CustomEvent("csv-read", { detail: inspection, bubbles: true }));
  }

  /**
   * Whether a question does not fit the file that is shown because of a column of another one. The
   * service sees the columns of all when it has them.
   * @param {Inspection} inspection
   */
  #isOfOther({ misfit_field }) {
    if (!this.unites || misfit_field === null) return false;
    const place = misfit_field.replace(/^(?:aggregation|spec)\.?/, "");
    const name = nameAt(aggregationOf(this.#question), place);
    return this.#ofOthers().some(({ column }) => column === name);
  }

  #ofOthers() {
    const found = this.#inspection;
    if (!found || !this.unites) return [];
    return otherColumns(fileColumns(found.columns, found.input.header === true), this.#others);
  }

  /**
   * Shows why the service refuses the question.
   * @param {string} field
   * @param {string} message
   */
  #refuse(field, message) {
    this.#refused = true;
    clearErrors(this);
    const place = field.replace(/^(?:aggregation|spec)\.?/, "");
    const text = sentence(message.replace(/^(?:aggregation|spec)\./, ""));
    // At its control, the value needs no path.
    const short = inLabels(text.replace(/^[A-Za-z_]\w*(?:\.\w+|\[\d+\])* (?:is )?(?=')/, ""));
    const isShown =
      place !== "" &&
      (place.startsWith("input")
        ? this.#card.fail(place, short)
        : this.#builder.fail(place, short));
    fill(
      this.#problem,
      !isShown &&
        h(
          "div",
          { class: "notice notice-bad", role: "alert" },
          h("p", { class: "notice-title" }, texts.failed),
          h("p", null, text),
        ),
    );
    this.#drawStart();
  }

  /** @param {unknown} error */
  #error(error) {
    this.#wanted = false;
    if (error instanceof Problem && error.kind === "invalid-input" && error.field) {
      this.#refuse(error.field, error.detail);
      if (!this.#inspection) this.#readWithout();
      return;
    }
    const isUnreadable = error instanceof DOMException;
    this.#unanswered = error instanceof Problem && error.passes;
    const isRemoved = isGone(error) && this.source?.uploads.length !== 0;
    const box = isUnreadable
      ? problemBox(new Problem({ status: -1, title: texts.gone, detail: texts.goneHint }))
      : problemBox(error, { retry: () => this.#read({ now: true, whole: true }) });
    if (isRemoved) this.#card.replace(goneNotice());
    else if (this.#inspection) fill(this.#problem, box);
    else this.#card.replace(box);
  }

  /** Reads the file without what the service refuses, to show its columns. */
  #readWithout() {
    const refused = this.#question;
    const isInput = asksNothing(refused) && Object.keys(refused.input).length > 0;
    const plain = isInput ? emptyQuestion() : { ...emptyQuestion(), input: refused.input };
    this.#again = true;
    void this.#reading
      ?.read(plain, { now: true, whole: true })
      .then(() => this.#inspection && this.#read({ now: true }));
  }

  #drawQuestion() {
    const inspection = this.#inspection;
    if (!inspection) return;
    const columns = fileColumns(inspection.columns, inspection.input.header === true);
    const isOfSeveral = this.#count > 1 || (this.source?.uploads.length ?? 0) > 1;
    this.#builder.show(this.#question, columns, inspection, isOfSeveral, this.#ofOthers());
    this.#drawSpec();
    this.#drawStart();
  }

  #drawSpec() {
    const aggregation = aggregationOf(this.#question);
    if (this.source) this.#spec.show(aggregation, this.source);
    const asks = !asksNothing(this.#question);
    this.#words.textContent = asks ? sentence(inWords(aggregation)) : "";
    this.#words.hidden = !asks;
    this.#clear.hidden = !asks;
    this.#spec.element.hidden = !asks;
  }

  #drawPlays() {
    const found = this.#inspection;
    const fits =
      found?.default_fits === true &&
      this.source?.uploads.length === 0 &&
      found.column_count === 3 &&
      found.columns[1]?.type === "date" &&
      Object.keys(aggregationOf(this.#question)).length === 0;
    redraw(this.#plays, [fits && playsCard(this.#count, () => this.#send())]);
  }

  #drawStart() {
    this.#startCard.show({
      asks: !asksNothing(this.#question),
      refused: this.#refused,
      outputs: this.#inspection?.output_columns ?? null,
      count: this.#count,
      unites: this.unites,
    });
  }

  #start() {
    if (this.#busy) {
      this.#wanted = true;
      this.#startCard.hint(texts.checking);
    } else if (!asksNothing(this.#question) && !this.#refused) {
      this.#send();
    }
  }

  #send() {
    const aggregation = aggregationOf(this.#question);
    const isEmpty = Object.keys(aggregation).length === 0;
    const { together } = this.#startCard;
    /** @type {StartDetail} */
    const detail = { aggregation: isEmpty ? null : aggregation, together };
    this.dispatchEvent(new CustomEvent("csv-start", { detail, bubbles: true }));
  }
}

/**
 * Whether two inspections have the same columns, named in the same way.
 * @param {Inspection} one
 * @param {Inspection} other
 */
function sameColumns(one, other) {
  /** @param {Inspection} each */
  const key = ({ columns, input }) =>
    JSON.stringify([input.header, columns.map(({ name, type }) => [name, type])]);
  return key(one) === key(other);
}

define("csv-ask", AskPart);
