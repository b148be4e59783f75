/**
 * What index.html shows until the modules are there. Files can be given to it, which the start takes
 * over (home/).
 */

const first = document.getElementById("first");
const input = first?.querySelector("input");

/**
 * Puts other elements in its place.
 * @param {readonly Node[]} parts
 * @returns {boolean} whether the keyboard was there
 */
export function replaceFirst(parts) {
  const isFocused = first?.contains(document.activeElement) === true;
  first?.replaceWith(...parts);
  return isFocused;
}

/**
 * Returns the field for files that a person may have used already: its dialog can be open. It is the
 * same one in each view, and is not shown.
 */
export function firstInput() {
  const field = input ?? document.createElement("input");
  field.type = "file";
  field.multiple = true;
  field.required = false;
  field.removeAttribute("id");
  field.className = "unseen";
  field.tabIndex = -1;
  field.setAttribute("aria-hidden", "true");
  return field;
}
