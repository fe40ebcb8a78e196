// How charts look: in the colours of the page, light or dark.
export function chartConfig() {
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
    legend: { labelColor: ink, titleColor: ink },
    bar: { color: accent },
    line: { color: accent },
    point: { color: accent, filled: true },
  };
}
