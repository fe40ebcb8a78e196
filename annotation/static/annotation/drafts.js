// What a rater has written and picked on a card and not sent: told from what came with the card,
// kept for the same rater while the tab is open, and never dropped without a question.
import { original } from "./pair.js";

const host = document.getElementById("task");
const place = (card) => `draft:${host.dataset.rater}:${card.dataset.task}`;
const letterOf = (section) => section.dataset.letter;

// The sides whose text was changed, as {side, letter, text}.
export function edits(card) {
  return [...card.querySelectorAll("[data-side]")].flatMap((section) => {
    const text = section.querySelector("[data-editor] textarea")?.value;
    if (text === undefined || text.trim() === original(section).trim()) return [];
    return [{ side: section.dataset.side, letter: letterOf(section), text }];
  });
}

const picks = (card) => [...card.querySelectorAll("input[type=radio]:checked")];
const comment = (card) => card.querySelector("[name=comment]")?.value.trim() ?? "";

// What would be lost with the card: texts as {words, text}.
export function written(card) {
  if (!card?.dataset.task) return [];
  return [
    ...edits(card).map(({ letter, text }) => ({ words: `Your edit of ${letter}`, text })),
    ...(comment(card) ? [{ words: "Your comment", text: comment(card) }] : []),
  ];
}

// May the card go? Asks only when something is on it.
export function mayLose(card, what) {
  if (!card?.dataset.task) return true;
  const lost = written(card).map(({ words }) => words.toLowerCase());
  if (picks(card).length) lost.push("your picks");
  if (!lost.length) return true;
  return window.confirm(`${what} You would lose ${lost.join(" and ")} on this pair.`);
}

export function keep(card) {
  if (!card?.dataset.task) return;
  const sides = edits(card).map(({ side, text }) => [side, text]);
  const picked = picks(card).map((radio) => radio.id);
  const draft = { sides, picked, comment: card.querySelector("[name=comment]").value };
  if (sides.length || picked.length || draft.comment) sessionStorage.setItem(place(card), JSON.stringify(draft));
  else forget(card);
}

export function forget(card) {
  sessionStorage.removeItem(place(card));
}

// Put back what was on this card before the page was left.
export function restore(card) {
  const stored = sessionStorage.getItem(place(card));
  if (stored === null) return;
  const draft = JSON.parse(stored);
  if (draft.comment) card.querySelector("[name=comment]").value = draft.comment;
  for (const [side, text] of draft.sides) {
    const editor = card.querySelector(`[data-side="${side}"] [data-editor]`);
    if (!editor) continue;
    editor.querySelector("textarea").value = text;
    editor.hidden = false;
  }
  for (const id of draft.picked) {
    const radio = card.querySelector(`#${CSS.escape(id)}`);
    if (radio) radio.checked = true;
  }
}
