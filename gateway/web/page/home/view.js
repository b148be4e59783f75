/** `<csv-home>`: files are dropped or picked, and asked about. */

import { asProblem } from "../api/problem.js";
import { inspectFile } from "../ask/reading.js";
import { redraw } from "../ask/redraw.js";
import { problemBox } from "../components/states.js";
import { toast } from "../components/toast.js";
import { fill, h, svg } from "../core/element.js";
import { firstInput } from "../core/first.js";
import { announce, moveFocus } from "../core/focus.js";
import { formatBytes } from "../core/format.js";
import { define, Part } from "../core/part.js";
import { inSentence } from "../core/plain.js";
import { currentPlace, navigate, onPlace } from "../core/router.js";
import { needStyle } from "../core/style.js";
import { home as texts } from "../texts/home.js";
import { chosen, differences, groupsOf, unitedFiles } from "./chosen.js";
import { hasPicker, pickFiles } from "./dropped.js";
import { watchDrops } from "./drops.js";
import { waitingNotice, welcome } from "./welcome.js";

/** @typedef {import("./chosen.js").Chosen} Chosen */
/** @typedef {import("./dropped.js").Given} Given */
/** @typedef {import("../ask/view.js").AskPart} AskPart */
/** @typedef {import("../ask/view.js").StartDetail} StartDetail */

await needStyle("home");

/** The sum of plays, which a single file gets without a question. */
const SONG_PLAYS = Object.freeze({
  group_by: [
    { column: 1, name: "Song" },
    { column: 2, name: "Date" },
  ],
  aggregates: [
    { function: "sum", column: 3, name: "Total Number of Plays for Date", type: "integer" },
  ],
});
/** How many files are read at the same time besides the one that is shown. */
const AT_ONCE = 3;
/** Names of columns that are listed, and their characters. */
const MOST_NAMES = 3;
const LONGEST_NAME = 24;

class HomePart extends Part {
  /** The file about which a person is asked. @type {Chosen | null} */
  #current = null;
  /** @type {AskPart | null} */
  #ask = null;
  #starting = false;
  #input = firstInput();
  #title = h("h1", null, texts.welcome);
  #list = h("div", { class: "home-files" });
  #place = h("div", { class: "home-place" });

  /** @override */
  start() {
    fill(this, this.#title, this.#list, this.#place, this.#input);
    const { signal } = this;
    this.addEventListener("csv-start", (event) => void this.#started(event), { signal });
    this.addEventListener("csv-read", (event) => this.#read(event), { signal });
    chosen.addEventListener("change", () => this.#draw(), { signal });
    onPlace(() => this.#drawWaiting(), signal);
    this.#current = null;
    this.#ask = null;
    this.#input.onchange = () => this.#picked();
    this.#draw();
    if (this.#input.files?.length) this.#picked();
  }

  async #choose() {
    const given = hasPicker() ? await pickFiles() : null;
    if (given) this.#add(given);
    else this.#input.click();
  }

  #picked() {
    const files = [...(this.#input.files ?? [])];
    this.#input.value = "";
    this.#add(files.map((file) => ({ file, handle: null })));
  }

  /** @param {readonly Given[]} given */
  #add(given) {
    if (given.length === 0) return;
    const isFirst = chosen.files.length === 0;
    chosen.add(given);
    if (isFirst) moveFocus(this.#title);
  }

  #draw() {
    const { files } = chosen;
    if (files.length === 0) {
      this.#current = null;
      this.#ask = null;
      this.#title.textContent = texts.welcome;
      this.#title.className = "home-title";
      fill(this.#list);
      if (!this.#place.querySelector(".home-sent")) this.#welcome();
      return;
    }
    this.#title.textContent = texts.title;
    this.#title.className = "";
    if (!this.#current || !files.includes(this.#current)) this.#show(files[0] ?? null);
    this.#drawList();
    this.#readOthers();
  }

  #welcome() {
    const choose = () => void this.#choose();
    const sample = (/** @type {File} */ file) => this.#add([{ file, handle: null }]);
    fill(this.#place, welcome({ choose, sample }));
    this.#drawWaiting();
  }

  /** @param {Chosen | null} file */
  #show(file) {
    this.#current = file;
    this.#ask = null;
    if (!file) return;
    void Promise.all([import("../ask/source.js"), import("../ask/view.js")]).then(
      ([{ FileSource }]) => {
        if (this.#current !== file || !this.isConnected) return;
        const ask = /** @type {AskPart} */ (document.createElement("csv-ask"));
        ask.source = new FileSource(file.file);
        this.#ask = ask;
        fill(this.#place, ask);
        this.#drawList();
      },
      (error) => fill(this.#place, problemBox(error, { retry: () => this.#show(file) })),
    );
  }

  /** Reads files that are not shown, a few at a time, to learn their columns. */
  #readOthers() {
    const others = chosen.files.filter((each) => each !== this.#current);
    const next = others.find((each) => !each.inspection && !each.problem && !each.isBeingRead);
    const busy = others.filter(({ isBeingRead }) => isBeingRead).length;
    if (next && busy < AT_ONCE) void this.#inspect(next);
  }

  /** @param {Chosen} file */
  async #inspect(file) {
    const { signal } = this;
    chosen.know(file, { isBeingRead: true });
    try {
      const inspection = await inspectFile(file.file, { aggregation: null, signal });
      chosen.know(file, { inspection, isBeingRead: false });
    } catch (error) {
      // Another view may be shown: then it is read when this one is shown again.
      const problem = signal.aborted ? "" : asProblem(error).title;
      chosen.know(file, { problem, isBeingRead: false });
    }
  }

  /** @param {Event} event */
  #read(event) {
    const { detail } = /** @type {CustomEvent<import("../ask/types.js").Inspection>} */ (event);
    if (this.#current) chosen.know(this.#current, { inspection: detail, problem: "" });
  }

  /** The files for which the present question is. */
  #group() {
    const current = this.#current;
    if (!current) return [];
    if (this.#ask?.unites) return unitedFiles(chosen.files, current);
    return groupsOf(chosen.files).find((group) => group.includes(current)) ?? [current];
  }

  #drawList() {
    const groups = groupsOf(chosen.files);
    const mine = this.#group();
    this.#ask?.setCount(mine.length);
    const others = mine.filter((each) => each !== this.#current);
    this.#ask?.setOthers(others.flatMap(({ inspection }) => inspection?.columns ?? []));
    redraw(this.#list, [
      h(
        "ul",
        { class: "home-list", "aria-label": texts.files },
        groups.flatMap((group) => group.map((each) => this.#item(each, mine, groups.length > 1))),
      ),
      h(
        "div",
        { class: "home-list-actions" },
        h(
          "button",
          { type: "button", class: "small", onclick: () => void this.#choose() },
          texts.chooseMore,
        ),
        this.#uniteButton(groups.length),
        mine.length > 1 &&
          h(
            "p",
            { class: "hint" },
            this.#ask?.unites ? texts.united(mine.length) : texts.same(mine.length),
          ),
      ),
    ]);
  }

  /**
   * Returns the button that asks about files with other columns too, or no more about them.
   * @param {number} groups how many groups of files with the same columns there are
   */
  #uniteButton(groups) {
    const ask = this.#ask;
    if (!ask || !this.#current || groups < 2) return null;
    const { unites } = ask;
    const others = unitedFiles(chosen.files, this.#current).length;
    if (!unites && others === this.#group().length) return null;
    const press = () => {
      ask.unite(!unites);
      this.#drawList();
    };
    return h(
      "button",
      { type: "button", class: "small", id: "home-unite", onclick: press },
      unites ? texts.separate : texts.unite(others),
    );
  }

  /**
   * @param {Chosen} file
   * @param {readonly Chosen[]} mine
   * @param {boolean} several whether there are several groups
   */
  #item(file, mine, several) {
    const { inspection } = file;
    const state =
      inspection?.error && inspection.input.sheet !== null
        ? texts.unreadable
        : inspection?.error
          ? texts.chooseSheet
          : inspection
            ? texts.columns(inspection.column_count)
            : file.problem || texts.reading;
    const isMine = mine.includes(file);
    const isOther = file !== this.#current && (!isMine || this.#ask?.unites === true);
    const differs = this.#current && isOther ? differences(file, this.#current) : null;
    const name = h("bdi", { class: "home-name", title: file.file.name }, file.file.name);
    return h(
      "li",
      { class: isMine ? "home-item home-item-current" : "home-item" },
      icon(),
      several && isOther
        ? h("button", { type: "button", class: "home-open", onclick: () => this.#show(file) }, name)
        : name,
      h("span", { class: "soft small-text" }, `${formatBytes(file.file.size)} · ${state}`),
      differs &&
        h("span", { class: "soft small-text home-differs" }, texts.differs(listed(differs))),
      h(
        "button",
        {
          type: "button",
          class: "quiet home-remove",
          "aria-label": texts.remove(file.file.name),
          onclick: () => {
            chosen.remove([file]);
            if (chosen.files.length === 0) moveFocus(this.#title);
          },
        },
        "×",
      ),
    );
  }

  #drawWaiting() {
    const place = this.#place.querySelector(".home-waiting");
    if (place) fill(place, currentPlace().query.has("q") && waitingNotice());
  }

  /** @param {Event} event */
  async #started(event) {
    const { detail } = /** @type {CustomEvent<StartDetail>} */ (event);
    if (this.#starting) return; // pressed twice
    this.#starting = true;
    const group = this.#group();
    try {
      const { uploads } = await import("../upload/queue.js"); // the first view is drawn without
      const together = detail.together && group.length > 1;
      const tasks = together
        ? uploads.addTogether(group, detail.aggregation ?? SONG_PLAYS)
        : group.map(({ file, handle }) =>
            uploads.add({ file, handle, aggregation: detail.aggregation }),
          );
      fill(this.#place, this.#sent(together ? 1 : tasks.length));
      chosen.remove(group);
      announce(texts.sent(tasks.length));
      if (chosen.files.length === 0) {
        this.#title.textContent = texts.sent(tasks.length);
        moveFocus(this.#title);
        this.#follow(tasks, uploads, together);
      }
    } catch (error) {
      toast(`${texts.failed}: ${asProblem(error).message}`, { kind: "bad" });
    } finally {
      this.#starting = false;
    }
  }

  #again() {
    fill(this.#place);
    this.#draw();
    moveFocus(this.#title);
  }

  /** @param {number} count how many jobs there will be */
  #sent(count) {
    return h(
      "div",
      { class: "home-sent state" },
      h("div", { class: "spinner", "aria-hidden": "true" }),
      h("p", null, count > 1 ? texts.sentHintMany : texts.sentHint),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: () => this.#again() }, texts.another),
        h("a", { class: "button", href: "#/jobs" }, texts.toJobs),
      ),
    );
  }

  /**
   * Opens the job of uploads when they have one, or the list of jobs for several.
   * @param {readonly {jobId?: string | null, state?: string}[]} tasks
   * @param {EventTarget} uploads
   * @param {boolean} together whether they have one job
   */
  #follow(tasks, uploads, together) {
    if (tasks.length > 1 && !together) {
      navigate("/jobs");
      return;
    }
    const look = () => {
      const isHere = this.isConnected && this.#place.querySelector(".home-sent");
      const jobId = tasks.find((task) => task.jobId)?.jobId;
      const isOver = tasks.every(({ state }) => state === "failed" || state === "cancelled");
      if (jobId && isHere) navigate(`/jobs/${jobId}`);
      // The list of uploads says why, and what to do.
      else if (isHere && isOver) this.#again();
    };
    uploads.addEventListener("change", look, { signal: this.signal });
    look();
  }
}

/**
 * Returns names of columns as a sentence has them.
 * @param {{more: string[], lacks: string[]}} differs
 */
function listed({ more, lacks }) {
  const few = (/** @type {string[]} */ names) => [
    ...names.slice(0, MOST_NAMES).map((name) => `“${inSentence(name, LONGEST_NAME)}”`),
    ...(names.length > MOST_NAMES ? [texts.others(names.length - MOST_NAMES)] : []),
  ];
  return { more: few(more).join(", "), lacks: few(lacks).join(", ") };
}

function icon() {
  return svg(
    "svg",
    { viewBox: "0 0 20 20", class: "home-icon", "aria-hidden": "true" },
    svg("path", { d: "M5 2.5h6.5L16 7v10.5H5z M11.5 2.5V7H16 M8 10.5h5 M8 13.5h5" }),
  );
}

define("csv-home", HomePart);
watchDrops();
