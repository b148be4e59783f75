/** The style sheet of a view, which is loaded with it. */

/**
 * Adds `styles/NAME.css` to the page once. Resolves when it is there; without it the view is plain.
 * @param {string} name
 * @returns {Promise<void>}
 */
export function useStyle(name) {
  const id = `style-${name}`;
  if (document.getElementById(id)) return Promise.resolve();
  return new Promise((resolve) => {
    const link = document.createElement("link");
    link.id = id;
    link.rel = "stylesheet";
    link.href = new URL(`../styles/${name}.css`, import.meta.url).href;
    link.onload = () => resolve();
    link.onerror = () => resolve();
    document.head.append(link);
  });
}
