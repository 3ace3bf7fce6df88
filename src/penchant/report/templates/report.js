// Draws every chart of the page in the colours of the present theme, and again when the theme changes or paper is asked for.
(() => {
  const root = document.documentElement;
  const chinese = root.lang.startsWith("zh");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const coloured = (value) => {
    if (typeof value === "string") return value.startsWith("--") ? colour(value) : value;
    if (Array.isArray(value)) return value.map(coloured);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, coloured(inner)]));
    return value;
  };
  const axis = (own) => ({
    gridcolor: "--grid", linecolor: "--line", zerolinecolor: "--line", automargin: true, fixedrange: true, ...own,
    title: { standoff: 12, ...(own && own.title), font: { size: 12, color: "--quiet" } },
  });

  if (chinese && window.Plotly) {
    const months = [...Array(12)].map((_, month) => `${month + 1}月`);
    const days = ["日", "一", "二", "三", "四", "五", "六"];
    Plotly.register({
      moduleType: "locale", name: "zh-CN", dictionary: {},
      format: {
        days: days.map((day) => `星期${day}`), shortDays: days.map((day) => `周${day}`), months, shortMonths: months,
        date: "%Y-%m-%d", decimal: ".", thousands: ",", grouping: [3], year: "%Y年", month: "%Y年%-m月", dayMonth: "%-m月%-d日", dayMonthYear: "%Y-%m-%d",
      },
    });
  }

  const draw = () =>
    Promise.all([...document.querySelectorAll("[data-chart]")].map((plot) => {
      const { data, layout } = JSON.parse(document.getElementById(plot.dataset.chart).textContent);
      // A circle needs no more height than it has width.
      const height = data[0].type === "sunburst" ? Math.min(plot.dataset.height, plot.clientWidth) : plot.dataset.height;
      plot.style.minHeight = `${height}px`;
      const full = {
        ...layout,
        width: plot.clientWidth,
        height: Math.max(height, root.classList.contains("printing") ? 0 : plot.clientHeight),
        margin: { l: 8, r: 12, t: 8, b: 8, pad: 2 },
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: "--ink" },
        hoverlabel: { bgcolor: "--card", bordercolor: "--line", font: { color: "--ink" } },
        xaxis: axis(layout.xaxis), yaxis: axis(layout.yaxis),
      };
      return Plotly.react(plot, coloured(data), coloured(full), {
        displayModeBar: false, responsive: false, locale: chinese ? "zh-CN" : "en-US",
      });
    })).then(() => { root.dataset.drawn = "yes"; });

  const button = document.getElementById("theme");
  const wear = (theme) => {
    root.dataset.theme = theme;
    button.textContent = theme === "dark" ? button.dataset.light : button.dataset.dark;
    root.dispatchEvent(new CustomEvent("worn", { detail: theme }));
    draw();
  };
  let chosen = root.dataset.chosen;
  const present = () => chosen || (dark.matches ? "dark" : "light");
  button.addEventListener("click", () => { chosen = present() === "dark" ? "light" : "dark"; wear(chosen); });
  dark.addEventListener("change", () => wear(present()));
  // Paper is narrower than most screens, and a drawn chart keeps its width: so it is drawn anew, in light colours.
  addEventListener("beforeprint", () => { root.classList.add("printing"); wear("light"); });
  addEventListener("afterprint", () => { root.classList.remove("printing"); wear(present()); });
  let waiting;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(draw, 120); });
  wear(present());
})();
