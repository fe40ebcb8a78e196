// Labelling by key, the time a task took, and a lease kept alive while the page is open.
const KEYS = {
  1: "left", a: "left", ArrowLeft: "left",
  2: "right", b: "right", ArrowRight: "right",
  e: "equal", 0: "equal",
  x: "both_bad",
};
const EXTEND_EVERY_MS = 4 * 60 * 1000;
const host = document.getElementById("task");
let shownAt = performance.now();
let sending = false;

const form = () => host.querySelector("[data-choices]");

host.addEventListener("submit", (event) => {
  if (event.target.matches("[data-choices]")) {
    event.target.elements.seconds.value = ((performance.now() - shownAt) / 1000).toFixed(2);
  }
}, true);

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.altKey || event.metaKey || event.repeat || sending) return;
  const undo = event.key === "u" || (event.ctrlKey && event.key === "z");
  if (event.ctrlKey && !undo) return;
  if (undo) {
    event.preventDefault();
    host.querySelector("[data-undo] button:not([disabled])")?.click();
    return;
  }
  const choice = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  const button = choice && form()?.querySelector(`button[value="${choice}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
});

document.addEventListener("htmx:before:request", () => { sending = true; });
document.addEventListener("htmx:finally:request", () => { sending = false; });
document.addEventListener("htmx:after:swap", () => {
  shownAt = performance.now();
  window.scrollTo({ top: 0 });
  host.querySelector("[data-task]")?.focus({ preventScroll: true });
});
document.addEventListener("htmx:error", () => {
  sending = false;
  warn("The server did not answer. Your label is not stored yet: press again.");
});

function warn(text) {
  if (host.querySelector("[data-warning]")) return;
  const warning = document.createElement("div");
  warning.className = "alert alert-danger";
  warning.dataset.warning = "";
  warning.setAttribute("role", "alert");
  warning.textContent = text;
  host.prepend(warning);
}

setInterval(async () => {
  const held = form();
  if (!held || document.hidden) return;
  const answer = await fetch(held.dataset.extend, { method: "POST", body: new FormData(held) });
  if (answer.status === 409) warn(await answer.text());
}, EXTEND_EVERY_MS);
