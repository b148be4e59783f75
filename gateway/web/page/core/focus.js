/** What a screen reader announces, and where the keyboard is. */

const POLITE = "announcer";
const ASSERTIVE = "alarm";

/**
 * Lets a screen reader say a text. Call it for what a person waits for, and not for every step of a
 * bar.
 * @param {string} text
 * @param {{urgent?: boolean}} [options] an urgent text interrupts
 */
export function announce(text, { urgent = false } = {}) {
  const region = document.getElementById(urgent ? ASSERTIVE : POLITE);
  if (!region) return;
  // The same text again is said only if it changes.
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = text;
  });
}

/**
 * Opens all folds around an element, so that it can be seen.
 * @param {Element} element
 */
export function unfold(element) {
  for (let fold = element.closest("details"); fold; ) {
    fold.open = true;
    fold = fold.parentElement?.closest("details") ?? null;
  }
}

/**
 * Moves the focus to an element that is not otherwise focused, such as a heading after navigation.
 * @param {HTMLElement | null | undefined} element
 */
export function moveFocus(element) {
  if (!element) return;
  if (!element.hasAttribute("tabindex")) element.setAttribute("tabindex", "-1");
  element.focus({ preventScroll: true });
}
