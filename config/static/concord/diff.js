// Word-level differences of two texts, marked in both. Texts go in as text, never as HTML.
const LONGEST_EDIT = 4000;

export function showDifference(before, after, beforePlace, afterPlace) {
  const parts = window.Diff.diffWordsWithSpace(before, after, { maxEditLength: LONGEST_EDIT });
  for (const [place, text, other] of [[beforePlace, before, "added"], [afterPlace, after, "removed"]]) {
    if (!place) continue;
    place.replaceChildren();
    if (!parts) { place.textContent = text; continue; }
    for (const part of parts.filter((one) => !one[other])) {
      const changed = part.added || part.removed;
      const node = document.createElement(changed ? (part.added ? "ins" : "del") : "span");
      node.textContent = part.value;
      place.append(node);
    }
  }
}

// Every <div data-diff> holds two texts that differ: [data-before] and [data-after].
export function showDifferences(root = document) {
  for (const host of root.querySelectorAll("[data-diff]:not([data-diffed])")) {
    const [before, after] = ["before", "after"].map((side) => host.querySelector(`[data-${side}]`));
    if (before && after) showDifference(before.textContent, after.textContent, before, after);
    host.dataset.diffed = "";
  }
}

showDifferences();
document.addEventListener("htmx:after:swap", () => showDifferences());
