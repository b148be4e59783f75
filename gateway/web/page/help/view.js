/** `<csv-help>`: how it works, and how to do without the page. */

import { copyButton } from "../components/copy_button.js";
import { fill, h } from "../core/element.js";
import { define, Part } from "../core/part.js";
import { needStyle } from "../core/style.js";
import { texts } from "../texts.js";

await needStyle("help");

const LINKS = /** @type {const} */ ([
  ["docs", texts.help.reference],
  ["openapi.json", texts.help.openapi],
  ["healthz", texts.help.health],
  ["readyz", texts.help.ready],
]);

class HelpPart extends Part {
  /** @override */
  start() {
    const server = new URL(".", document.baseURI).href.replace(/\/$/, "");
    fill(
      this,
      h("h1", null, texts.help.title),
      section(
        texts.help.steps,
        h(
          "ol",
          { class: "help-steps" },
          texts.help.step.map(([name, text]) =>
            h("li", null, h("h3", null, name), h("p", null, text)),
          ),
        ),
      ),
      section(
        texts.help.terminal,
        h("p", null, texts.help.terminalLead),
        command(texts.help.run, texts.help.runCommand(server)),
        command(texts.help.upload, texts.help.uploadCommand(server)),
        command(texts.help.wait, texts.help.waitCommand(server)),
        command(texts.help.download, texts.help.downloadCommand(server)),
        h("p", null, texts.help.keys, h("code", null, texts.help.keysField), "."),
      ),
      section(
        texts.help.api,
        h("p", null, texts.help.apiLead),
        h(
          "ul",
          { class: "help-links" },
          LINKS.map(([path, name]) => h("li", null, h("a", { href: path }, name))),
        ),
      ),
    );
  }
}

/**
 * @param {string} title
 * @param {...import("../core/element.js").Child} children
 */
function section(title, ...children) {
  return h("section", { class: "card" }, h("h2", null, title), children);
}

/**
 * @param {string} what
 * @param {string} text
 */
function command(what, text) {
  return h(
    "div",
    { class: "help-command" },
    h("p", { class: "label" }, what),
    h(
      "div",
      { class: "code-box" },
      h("pre", null, text),
      copyButton(() => text),
    ),
  );
}

define("csv-help", HelpPart);
