// Gold answers and adjudication: judged by the same keys as labelling, the next pair after each.
import { choiceRows, press, useKeys, write } from "./keys.js";
import { differencesRow } from "./pair.js";

const form = document.querySelector("[data-decide]");
const note = form?.querySelector("[name=note]");
let sent = false;

useKeys([
  ...choiceRows((value) => form?.querySelector(`button[name=choice][value=${value}]`) ?? null),
  differencesRow,
  write(["n"], "Write a note", "[data-decide] [name=note]"),
  press(["k"], "Skip this pair for now and go to the next", "[data-leave]"),
  press(["o"], "Dismiss: nothing wrong", "[data-decide] [value=dismiss]"),
  press(["h"], "Set pair aside", "[data-decide] [value=set_aside]"),
], { ready: () => !sent });

// Everything but the bubbling phase may still stop the form: a question, or a second press.
window.addEventListener("submit", (event) => { if (event.target === form && !event.defaultPrevented) sent = true; });
window.addEventListener("pageshow", () => { sent = false; });
window.addEventListener("beforeunload", (event) => {
  if (!sent && note?.value.trim()) event.preventDefault();
});
