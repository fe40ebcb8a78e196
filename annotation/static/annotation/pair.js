// The two answers of a pair: their originals, and what differs between them, word by word.
const LONGEST_EDIT = 4000;
const IMAGE_DATA = /(data:[\w/+.-]{1,60};base64,)[\w+/=-]{40,}/g;

export const side = (name) => document.querySelector(`[data-side="${name}"]`);
export const original = (section) => section.querySelector("[data-original]").value;

export function toggleDifferences() {
  const button = document.querySelector("[data-differences]");
  if (!button) return;
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  button.classList.toggle("active", on);
  const [left, right] = ["left", "right"].map(side);
  if (on && !left.querySelector("[data-difference]").hasChildNodes()) mark(left, right);
  for (const section of [left, right]) {
    section.querySelector("[data-rendered]").hidden = on;
    section.querySelector("[data-difference]").hidden = !on;
  }
}

function mark(left, right) {
  const [a, b] = [left, right].map((section) => original(section).replace(IMAGE_DATA, "$1…"));
  const parts = window.Diff.diffWordsWithSpace(a, b, { maxEditLength: LONGEST_EDIT });
  for (const [section, text, other] of [[left, a, "added"], [right, b, "removed"]]) {
    const place = section.querySelector("[data-difference]");
    if (!parts) { place.textContent = text; continue; }
    for (const part of parts.filter((one) => !one[other])) {
      const node = document.createElement(part.added || part.removed ? "mark" : "span");
      node.textContent = part.value;
      place.append(node);
    }
  }
}

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-differences]")) toggleDifferences();
});

export const differencesRow = {
  keys: ["d"],
  words: "Show differences word by word",
  there: () => document.querySelector("[data-differences]") !== null,
  run: toggleDifferences,
};
