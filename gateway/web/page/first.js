// Runs before the page is drawn, so that a chosen theme does not flash (core/theme.js).
try {
  const theme = localStorage.getItem("csvmill-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // A browser that keeps nothing shows the colours of the system.
}
