// Draws the charts of a page from the specs at its address "charts". No eval: Vega's AST mode.
import { chartConfig } from "./chart.js";

async function draw() {
  const answer = await fetch(`charts${window.location.search}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { charts } = await answer.json();
  for (const [name, spec] of Object.entries(charts)) {
    const place = document.querySelector(`[data-chart="${name}"]`);
    if (!place) continue;
    await window.vegaEmbed(place, { ...spec, config: chartConfig() }, {
      actions: false, ast: true, defaultStyle: false, renderer: "canvas", tooltip: false,
    });
  }
}

draw();
new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
