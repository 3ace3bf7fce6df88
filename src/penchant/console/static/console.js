// Remembers the theme, says that a form is at work, and asks before what cannot be undone.
(() => {
  const root = document.documentElement;
  let clicked = false;
  document.addEventListener("click", (event) => { clicked = event.target.id === "theme"; }, { capture: true });
  root.addEventListener("worn", ({ detail }) => {
    // What the system or a printer wears is nobody's choice.
    if (clicked) try { localStorage.setItem("penchant-theme", detail); } catch { /* it holds for this page alone */ }
    clicked = false;
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
