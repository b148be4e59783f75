/**
 * The colours: those of the system unless a person has chosen others. `first.js` sets them before
 * the page is drawn.
 */

/** @typedef {"light" | "dark" | "system"} Theme */

const KEY = "csvmill-theme";

/** The themes, in the order in which a switch shows them. */
export const THEMES = /** @type {const} */ (["system", "light", "dark"]);

/** @returns {Theme} the theme that was chosen */
export function chosenTheme() {
  const found = stored();
  return found === "light" || found === "dark" ? found : "system";
}

/**
 * Shows the page in this theme, and remembers it in this browser.
 * @param {Theme} theme
 */
export function chooseTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    return; // a browser that keeps nothing forgets the theme
  }
}

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
