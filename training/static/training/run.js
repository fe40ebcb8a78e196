// Draws a run's charts and draws them again when there are new steps. No eval: Vega's AST mode.
import { chartConfig } from "../concord/chart.js";

const POLL_MS = 2000;
const charts = document.getElementById("charts");
const views = new Map();
let latest = null;
let drawn = null;

async function draw(specs) {
  for (const [name, spec] of Object.entries(specs)) {
    const place = charts.querySelector(`[data-chart="${name}"]`);
    // A chart that is only replaced goes on listening to the window: thousands in a long run.
    views.get(name)?.finalize();
    views.set(name, await vegaEmbed(place, { ...spec, config: chartConfig() }, {
      actions: false, ast: true, defaultStyle: false, renderer: "canvas", tooltip: false,
    }));
  }
}

// One after the other, so that a poll and a change of colours never draw into the same place.
let drawing = Promise.resolve();
function show() {
  drawing = drawing.then(() => draw(latest.charts));
  return drawing;
}

async function poll() {
  try {
    const answer = await fetch(charts.dataset.metrics, { headers: { Accept: "application/json" } });
    if (answer.ok && !answer.redirected) latest = await answer.json();
  } catch (error) {
    // A server that restarts is asked again; the charts stay as they are.
    console.warn("The charts could not be updated.", error);
  }
  if (latest && latest.last_step !== null && latest.last_step !== drawn) {
    drawn = latest.last_step;
    await show();
  }
  if (!latest?.finished) setTimeout(poll, POLL_MS);
}

new MutationObserver(() => { if (drawn !== null) show(); })
  .observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
window.addEventListener("load", poll);
