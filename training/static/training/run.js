// Draws a run's charts and draws them again when there are new steps. No eval: Vega's AST mode.
const POLL_MS = 2000;
const charts = document.getElementById("charts");
const views = new Map();
let latest = null;
let drawn = null;

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
    // A chart that is only replaced goes on listening to the window: thousands in a long run.
    views.get(name)?.finalize();
    views.set(name, await vegaEmbed(place, { ...spec, config: config() }, {
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
    console.warn("The charts could not be brought up to date.", error);
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
