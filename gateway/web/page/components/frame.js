/** What surrounds every view: header, navigation, banner, the uploads. */

import { h, svg } from "../core/element.js";
import { texts } from "../texts.js";
import { connectionBanner } from "./connection_banner.js";
import { keyButton } from "./key_button.js";
import { themeSwitch } from "./theme_switch.js";

const SECTIONS = /** @type {const} */ ([
  ["/", texts.frame.home],
  ["/jobs", texts.frame.jobs],
  ["/uploads", texts.frame.uploads],
  ["/settings", texts.settings.title],
  ["/help", texts.frame.help],
]);

/**
 * Returns the frame: its parts in the order of the document, where the view goes, and what marks the
 * present section in the navigation.
 */
export function frame() {
  const main = h("main", { id: "main", tabindex: "-1" });
  const links = SECTIONS.map(([path, name]) => h("a", { href: `#${path}` }, name));
  const skip = h(
    "a",
    {
      class: "skip",
      href: "#main",
      onclick: (/** @type {Event} */ event) => {
        event.preventDefault(); // the fragment names the view
        main.focus();
        main.scrollIntoView();
      },
    },
    texts.frame.skip,
  );
  const header = h(
    "header",
    { class: "frame-header" },
    h(
      "div",
      { class: "frame-bar" },
      h("a", { class: "brand", href: "#/" }, sign(), texts.frame.title),
      h("nav", { "aria-label": texts.frame.nav }, links),
      h("div", { class: "frame-tools" }, keyButton(), themeSwitch()),
    ),
  );
  return {
    main,
    parts: [skip, header, connectionBanner(), h("csv-uploads"), main],
    /** @param {string} section */
    mark(section) {
      for (const [index, link] of links.entries()) {
        if (SECTIONS[index]?.[0] === section) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
    },
  };
}

function sign() {
  return svg(
    "svg",
    { viewBox: "0 0 32 32", class: "brand-sign", "aria-hidden": "true" },
    svg("rect", { width: 32, height: 32, rx: 7 }),
    svg("path", { d: "M8 10h16M8 16h10M8 22h5" }),
  );
}
