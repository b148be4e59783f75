/** The switch between the colours of the system, light ones and dark ones. */

import { h } from "../core/element.js";
import { chooseTheme, chosenTheme, THEMES } from "../core/theme.js";
import { texts } from "../texts.js";
import { icon } from "./icon.js";

/** Returns the switch, which shows what is chosen. */
export function themeSwitch() {
  const chosen = chosenTheme();
  return h(
    "fieldset",
    { class: "switch" },
    h("legend", { class: "unseen" }, texts.frame.theme),
    THEMES.map((theme) =>
      h(
        "label",
        { title: texts.frame.themes[theme] },
        h("input", {
          type: "radio",
          name: "theme",
          value: theme,
          ".checked": theme === chosen,
          onchange: () => chooseTheme(theme),
        }),
        icon(theme),
        h("span", { class: "unseen" }, texts.frame.themes[theme]),
      ),
    ),
  );
}
