// Draws a run's charts and draws them again when there are new steps. No eval: Vega's AST mode.
const POLL_MS = 2000;
const charts = document.getElementById("charts");
let drawn = -1;

function config() {
  const style = getComputedStyle(document.body);
  const ink = style.color;
  const accent = getComputedStyle(document.querySelector(".nav-link.active")).color;
  return {
    background: "transparent",
    font: style.fontFamily,
    view: { stroke: "transparent" },
    title: { color: ink, anchor: "start" },
    axis: {
      labelColor: ink, titleColor: ink, gridColor: ink, gridOpacity: 0.15,
      domainColor: ink, domainOpacity: 0.4, tickColor: ink, tickOpacity: 0.4,
    },
    line: { color: accent },
    point: { color: accent, filled: true },
  };
}

async function draw(specs) {
  for (const [name, spec] of Object.entries(specs)) {
    const place = charts.querySelector(`[data-chart="${name}"]`);
    await vegaEmbed(place, { ...spec, config: config() }, {
      actions: false, ast: true, defaultStyle: false, renderer: "canvas", tooltip: false,
    });
  }
}

async function refresh() {
  const answer = await fetch(charts.dataset.metrics, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const state = await answer.json();
  if (state.steps !== drawn && state.steps > 0) {
    drawn = state.steps;
    await draw(state.charts);
  }
  if (!state.finished) setTimeout(refresh, POLL_MS);
}

new MutationObserver(() => { drawn = -1; refresh(); })
  .observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
window.addEventListener("load", refresh);
