/** Measures text before it is drawn. */

/**
 * Returns a function that measures texts in the font of an element, in pixels.
 * @param {Element} element
 * @param {string} size as `12px`
 * @returns {(text: string) => number}
 */
export function textMeasure(element, size) {
  const style = getComputedStyle(element);
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return (text) => text.length * 0.6 * Number.parseFloat(size);
  context.font = `${style.fontWeight} ${size} ${style.fontFamily}`;
  // Digits of equal width may be wider than those that are measured.
  return (text) => context.measureText(text).width * 1.03;
}
