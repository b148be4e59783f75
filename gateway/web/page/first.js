// Runs before the modules of the page: sets a theme that was chosen (core/theme.js) before anything
// is seen in another one, and says so if the modules cannot be loaded.
(() => {
  try {
    const theme = localStorage.getItem("csvmill-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // A browser that keeps nothing shows the colours of the system.
  }
  const failed = () => {
    const message = document.getElementById("first-failed");
    if (!message) return; // the page is there
    document.getElementById("first-wait")?.remove();
    message.hidden = false;
  };
  addEventListener("error", failed, true);
  addEventListener("unhandledrejection", failed);
})();
