/** `<csv-specs>`: the saved specs, to look at, to ask and to delete. */

import { asProblem } from "../api/problem.js";
import { fragmentOf } from "../ask/fragment.js";
import { pretty } from "../ask/pretty.js";
import { questionOf } from "../ask/question.js";
import { copyButton } from "../components/copy_button.js";
import { problemBox } from "../components/states.js";
import { toast } from "../components/toast.js";
import { fill, h } from "../core/element.js";
import { moveFocus } from "../core/focus.js";
import { formatAgo, formatExactTime } from "../core/format.js";
import { define, Part } from "../core/part.js";
import { plain } from "../core/plain.js";
import { inWords } from "../core/question.js";
import { isAbort } from "../core/wait.js";
import { confirmed } from "../jobs/confirm.js";
import { settings } from "../texts/settings.js";
import { deleteSpec, getSpec, listSpecs } from "./api.js";
import { loadInto, tellFailure } from "./loading.js";

/** @typedef {import("./api.js").SpecSummary} SpecSummary */

const texts = settings.specs;

class SpecsPart extends Part {
  /** @override */
  start() {
    void this.#load();
  }

  #load() {
    return loadInto({
      place: this,
      signal: this.signal,
      load: () => listSpecs(this.signal),
      draw: (found) => this.#draw(found),
    });
  }

  /** @param {readonly SpecSummary[]} specs */
  #draw(specs) {
    if (specs.length === 0) {
      const command = h("pre", null, texts.command);
      const box = h(
        "div",
        { class: "code-box" },
        command,
        copyButton(() => texts.command),
      );
      fill(this, h("p", null, texts.empty), box);
      return;
    }
    const rows = specs.map((spec) => this.#row(spec));
    fill(this, h("ul", { class: "settings-list", "aria-label": texts.title }, rows));
  }

  /** @param {SpecSummary} spec */
  #row(spec) {
    const { name, changed_at } = spec;
    const shown = h("div", { class: "settings-spec" });
    const details = h(
      "details",
      {
        ontoggle: () => {
          if (details.open && !shown.hasChildNodes()) void this.#show(spec, shown);
        },
      },
      h("summary", { "aria-label": texts.showOf(name) }, texts.show),
      shown,
    );
    return h(
      "li",
      null,
      h(
        "div",
        { class: "settings-row" },
        h(
          "div",
          { class: "settings-facts" },
          h("h3", null, name),
          h(
            "p",
            { class: "soft small-text" },
            texts.changed,
            h(
              "time",
              { datetime: changed_at, title: formatExactTime(changed_at) },
              formatAgo(changed_at),
            ),
          ),
        ),
        h(
          "button",
          {
            type: "button",
            class: "quiet danger",
            "aria-label": texts.removeOf(name),
            onclick: () => void this.#remove(spec),
          },
          texts.remove,
        ),
      ),
      details,
    );
  }

  /**
   * @param {SpecSummary} spec
   * @param {HTMLElement} place
   */
  async #show({ name }, place) {
    try {
      const spec = await getSpec(name, this.signal);
      const json = pretty(spec);
      fill(
        place,
        h("p", null, plain(inWords(spec))),
        h(
          "div",
          { class: "code-box" },
          h("pre", { tabindex: "0", role: "region", "aria-label": texts.json(name) }, json),
          copyButton(() => json),
        ),
        h(
          "div",
          { class: "actions" },
          h(
            "a",
            {
              class: "button",
              href: fragmentOf(questionOf(/** @type {any} */ (spec))),
              "aria-label": texts.useOf(name),
            },
            texts.use,
          ),
        ),
      );
    } catch (error) {
      if (!isAbort(error)) fill(place, problemBox(error));
    }
  }

  /** @param {SpecSummary} spec */
  async #remove(spec) {
    if (!(await confirmed({ ...texts.sure, text: texts.sureText(spec.name) }))) return;
    try {
      await deleteSpec(spec);
      toast(texts.deleted(spec.name), { kind: "good" });
    } catch (error) {
      const changed = asProblem(error).status === 412;
      if (changed) toast(texts.changedMeanwhile, { kind: "bad" });
      else tellFailure(error);
      if (!changed) return;
    }
    await this.#load();
    const heading = this.closest("section")?.querySelector("h2");
    if (heading) moveFocus(heading);
  }
}

define("csv-specs", SpecsPart);
