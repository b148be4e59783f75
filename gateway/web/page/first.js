// Runs before the modules of the page: sets a theme that was chosen (core/theme.js), takes the start
// away where another view will be shown, and says so if the modules cannot be loaded.
(() => {
  try {
    const theme = localStorage.getItem("csvmill-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // A browser that keeps nothing shows the colours of the system.
  }
  const start = document.getElementById("first-start");
  const wait = document.getElementById("first-wait");
  if (start && wait && !/^#?\/?(?:\?|$)/.test(location.hash)) {
    start.hidden = true;
    wait.hidden = false;
  }
  /** @type {HTMLInputElement | null} */
  const files = document.querySelector("#first-files");
  // Whether the files of a drag are not over the field, which takes them by itself.
  const isBeside = (/** @type {DragEvent} */ event) =>
    document.getElementById("first") && event.target !== files;
  addEventListener("dragover", (event) => {
    if (isBeside(event)) event.preventDefault(); // the browser would leave the page
  });
  addEventListener("drop", (event) => {
    if (!isBeside(event)) return;
    event.preventDefault();
    if (files && event.dataTransfer) files.files = event.dataTransfer.files;
  });
  const failed = () => {
    const message = document.getElementById("first-failed");
    if (!message) return; // the page is there
    start?.remove();
    wait?.remove();
    message.hidden = false;
  };
  addEventListener("error", failed, true);
  addEventListener("unhandledrejection", failed);
})();
