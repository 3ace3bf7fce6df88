// Remembers the theme, says that a form is at work, and asks before what cannot be undone.
(() => {
  const root = document.documentElement;
  let first = true;
  root.addEventListener("worn", ({ detail }) => {
    // The first is the page's own, and no choice of anybody's.
    if (!first) try { localStorage.setItem("penchant-theme", detail); } catch { /* it holds for this page alone */ }
    first = false;
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.ask && !confirm(form.dataset.ask)) { event.preventDefault(); return; }
    form.classList.add("busy");
    form.setAttribute("aria-busy", "true");
  });
  // A page that comes back from the browser's memory is no longer waiting.
  addEventListener("pageshow", () => document.querySelectorAll(".busy").forEach((form) => {
    form.classList.remove("busy");
    form.removeAttribute("aria-busy");
  }));
})();
