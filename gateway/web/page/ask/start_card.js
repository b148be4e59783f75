/** The button that starts, and what the result will have. */

import { fill, h } from "../core/element.js";
import { ask as texts } from "../texts/ask.js";

/** The card. */
export class StartCard {
  #outputs = h("div", { class: "ask-outputs" });
  #hint = h("p", { class: "hint", id: "ask-start-hint", role: "status" });
  #one = h("input", { type: "radio", name: "ask-together", value: "one", ".checked": true });
  #each = h("input", { type: "radio", name: "ask-together", value: "each" });
  #unites = false;
  #together = h(
    "fieldset",
    { class: "ask-together", hidden: true },
    h("legend", null, texts.together.title),
    h("label", { class: "check" }, this.#one, texts.together.one),
    h("label", { class: "check" }, this.#each, texts.together.each),
  );

  /** @param {() => void} start called when the button is pressed */
  constructor(start) {
    this.button = h(
      "button",
      {
        type: "button",
        class: "primary ask-start",
        "aria-describedby": "ask-start-hint",
        onclick: () => start(),
      },
      texts.start,
    );
    this.element = h(
      "div",
      { class: "card ask-go" },
      this.#outputs,
      this.#together,
      this.button,
      this.#hint,
    );
  }

  /**
   * @param {object} state
   * @param {boolean} state.asks whether the question asks for something
   * @param {boolean} state.refused whether the service refuses it
   * @param {readonly string[] | null} state.outputs the columns of the result, if they are known
   * @param {number} state.count for how many files the question is
   * @param {boolean} state.unites whether the files differ in their columns, so that only one result
   *   of all is possible
   */
  show({ asks, refused, outputs, count, unites }) {
    this.#unites = unites && count > 1;
    this.#together.hidden = count < 2 || this.#unites;
    this.button.textContent = count > 1 ? texts.startMany(count) : texts.start;
    this.button.disabled = !asks || refused;
    this.hint(asks ? (refused ? texts.doesNotFit : "") : texts.nothingAsked);
    fill(
      this.#outputs,
      asks &&
        !refused &&
        outputs && [
          h("h3", null, texts.columnsOfResult),
          h(
            "ul",
            { class: "ask-output-names" },
            outputs.map((name) => h("li", null, h("bdi", null, name))),
          ),
        ],
    );
  }

  /** Whether several files are to have one result. */
  get together() {
    return this.#unites || (!this.#together.hidden && this.#one.checked);
  }

  /** @param {string} text */
  hint(text) {
    if (this.#hint.textContent !== text) this.#hint.textContent = text;
  }
}

/**
 * Returns the offer to sum the plays of songs at once.
 * @param {number} count of files
 * @param {() => void} start
 */
export function playsCard(count, start) {
  const { plays } = texts;
  return h(
    "section",
    { class: "card ask-plays-card", "aria-labelledby": "ask-plays-title" },
    h(
      "div",
      null,
      h("h2", { id: "ask-plays-title" }, plays.title),
      h("p", null, plays.text, " ", plays.other),
    ),
    h(
      "button",
      { type: "button", class: "primary", onclick: () => start() },
      count > 1 ? plays.startMany(count) : plays.start,
    ),
  );
}
