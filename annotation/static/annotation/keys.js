// Keys of a page that shows a pair. One table says what a key does, and what its sheet lists.
//
// A row: {keys, words, run, there}. `keys` are as the browser names them, letters small, with
// "Control+" before; `there` says whether the row means anything now; `leaves` marks the keys that
// leave a text, the only ones that count while one is written.
const SHOWN = { ArrowLeft: "←", ArrowRight: "→", Escape: "Esc", "Control+z": "Ctrl Z" };
const TEXT = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";
const COVER = "dialog[open], .offcanvas.show, .offcanvas.showing, .dropdown-menu.show, .modal.show";

const byKey = (event) => {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return event.ctrlKey ? `Control+${key}` : key;
};

export const leaveText = {
  keys: ["Escape"],
  words: "Leave the text field or close the open panel",
  leaves: true,
};

// The four answers, by the same keys wherever a pair is judged.
export function choiceRows(find) {
  const row = (keys, words, value) => ({
    keys,
    words,
    there: () => find(value) !== null,
    run: () => find(value)?.click(),
  });
  return [
    row(["1", "a", "ArrowLeft"], "A is better", "left"),
    row(["2", "b", "ArrowRight"], "B is better", "right"),
    row(["e", "0"], "Equal", "equal"),
    row(["x"], "Both bad", "both_bad"),
  ];
}

// A row that presses what `selector` finds, when it is there.
export function press(keys, words, selector) {
  const find = () => document.querySelector(selector);
  return { keys, words, there: () => find() !== null, run: () => find()?.click() };
}

// A row that puts the cursor into what `selector` finds.
export function write(keys, words, selector) {
  const find = () => document.querySelector(selector);
  return { keys, words, there: () => find() !== null, run: () => find()?.focus() };
}

export function useKeys(rows, { ready = () => true } = {}) {
  const sheet = document.getElementById("keys");
  const open = () => {
    sheet.querySelector("[data-keys-list]").replaceChildren(...table.flatMap(listed));
    sheet.showModal();
  };
  const table = [...rows, leaveText, { keys: ["?"], words: "Show keyboard shortcuts", run: open }];
  const there = (row) => row.there?.() ?? true;

  function listed(row) {
    if (!there(row)) return [];
    const term = document.createElement("dt");
    for (const key of row.keys) {
      const cap = document.createElement("kbd");
      cap.textContent = SHOWN[key] ?? (key.length === 1 ? key.toUpperCase() : key);
      term.append(cap, " ");
    }
    const words = document.createElement("dd");
    words.textContent = row.words;
    return [term, words];
  }

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey || event.repeat || event.isComposing) return;
    const field = event.target.closest?.(TEXT);
    if (field) {
      // Enter would send the form by its first button, which is a judgement.
      const enter = event.key === "Enter" && field.matches("input");
      if (enter) event.preventDefault();
      if (enter || event.key === "Escape") field.blur();
      return;
    }
    if (document.querySelector(COVER) || !ready()) return;
    const key = byKey(event);
    // Enter on a button or link presses that one.
    if (key === "Enter" && event.target.closest?.("button, a, summary")) return;
    if (event.target.matches?.("input[type=radio]") && key.startsWith("Arrow")) return;
    const row = table.find((one) => !one.leaves && one.keys.includes(key) && there(one));
    if (!row) return;
    event.preventDefault();
    row.run(key);
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-keys]")) open();
  });
}
