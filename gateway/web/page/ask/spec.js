/** The question as JSON, as a command and as curl, to copy. */

import { currentKey } from "../api/key.js";
import { asProblem } from "../api/problem.js";
import { copyButton } from "../components/copy_button.js";
import { toast } from "../components/toast.js";
import { h } from "../core/element.js";
import { ask as texts } from "../texts/ask.js";
import { askCommand, curlAskCommand, curlCommand, runCommand } from "./command.js";
import { pretty } from "./pretty.js";

/** @typedef {import("./types.js").Aggregation} Aggregation */

const TABS = /** @type {const} */ (["json", "run", "curl"]);
/** @typedef {(typeof TABS)[number]} Tab */

/** Shows an aggregation in three tabs. */
export class SpecPanel {
  /** @type {Tab} */
  #shown = "json";
  /** @type {Record<Tab, string>} */
  #text = { json: "", run: "", curl: "" };
  /** @type {Aggregation} */
  #aggregation = {};

  constructor() {
    this.tabs = TABS.map((tab) =>
      h(
        "button",
        {
          type: "button",
          role: "tab",
          id: `ask-tab-${tab}`,
          class: "ask-tab",
          "aria-controls": "ask-spec",
          onclick: () => this.#choose(tab),
          onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event, tab),
        },
        texts.spec.tabs[tab],
      ),
    );
    this.code = h("code", null);
    this.panel = h(
      "pre",
      { id: "ask-spec", role: "tabpanel", tabindex: "0", class: "ask-code" },
      this.code,
    );
    this.element = h(
      "section",
      { class: "ask-spec", "aria-label": texts.spec.title },
      h(
        "div",
        { class: "ask-tabs" },
        h("div", { role: "tablist", "aria-label": texts.spec.title }, this.tabs),
        copyButton(() => this.#text[this.#shown]),
      ),
      this.panel,
      h(
        "div",
        { class: "actions" },
        h(
          "button",
          { type: "button", class: "small", onclick: () => void this.#save() },
          texts.save.open,
        ),
      ),
    );
    this.#draw();
  }

  /**
   * @param {Aggregation} aggregation
   * @param {import("./source.js").Source} source
   */
  show(aggregation, { name, uploads }) {
    this.#aggregation = aggregation;
    const server = new URL(".", document.baseURI).href.replace(/\/$/, "");
    const withKey = Boolean(currentKey());
    const isThere = uploads.length > 0;
    this.#text = {
      json: pretty(aggregation),
      run: isThere
        ? askCommand(aggregation, uploads, server)
        : runCommand(aggregation, name, server),
      curl: isThere
        ? curlAskCommand(aggregation, uploads, server, withKey)
        : curlCommand(aggregation, name, server, withKey),
    };
    this.#draw();
  }

  async #save() {
    try {
      const { openSave } = await import("./save_spec.js");
      openSave(this.#aggregation);
    } catch (error) {
      toast(asProblem(error).message, { kind: "bad" }); // the module did not arrive
    }
  }

  /** @param {Tab} tab */
  #choose(tab) {
    this.#shown = tab;
    this.#draw();
  }

  /**
   * @param {KeyboardEvent} event
   * @param {Tab} tab
   */
  #key(event, tab) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length] ?? tab;
    this.#choose(next);
    this.tabs[TABS.indexOf(next)]?.focus();
  }

  #draw() {
    for (const [index, tab] of TABS.entries()) {
      const button = this.tabs[index];
      button?.setAttribute("aria-selected", String(tab === this.#shown));
      if (button) button.tabIndex = tab === this.#shown ? 0 : -1;
    }
    this.panel.setAttribute("aria-labelledby", `ask-tab-${this.#shown}`);
    this.code.textContent = this.#text[this.#shown];
  }
}
