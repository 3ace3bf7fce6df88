// Before anything is painted: the theme that was chosen last, or the system's.
(() => {
  const root = document.documentElement;
  let chosen = null;
  try { chosen = localStorage.getItem("penchant-theme"); } catch { /* storage is switched off: the system's theme holds */ }
  if (chosen) root.dataset.chosen = chosen;
  root.dataset.theme = chosen || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
})();
