// Small manners that every page shares: copy buttons, forms that ask or are sent only once, search.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const label = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = label; }, 1500);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
});

// What is written at length is not left without a question. Editors that store as one writes, and
// forms that are sent without leaving the page, see to that themselves.
const LONG = 'form[method="post"]:not([data-fields], [data-act], [hx-post]) textarea:not([readonly])';
let leaving = false;
window.addEventListener("submit", (event) => {
  leaving ||= !event.defaultPrevented && event.target.method !== "dialog";
});
window.addEventListener("beforeunload", (event) => {
  const texts = [...document.querySelectorAll(LONG)];
  if (!leaving && texts.some((one) => one.value !== one.defaultValue)) event.preventDefault();
});

// A page that was left and comes back from the browser's memory may be sent again.
window.addEventListener("pageshow", () => {
  leaving = false;
  for (const form of document.querySelectorAll("[data-once]")) delete form.dataset.sent;
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !window.confirm(question)) { event.preventDefault(); event.stopImmediatePropagation(); }
}, true);

// A page without an editor of its own searches its cards here.
document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-search][data-plain]")) return;
  const wanted = event.target.value.trim().toLowerCase();
  for (const card of document.querySelectorAll("[data-principle]")) {
    card.hidden = wanted !== "" && !card.textContent.toLowerCase().includes(wanted);
  }
});

// A list that fills in a field, such as prompts to pick from.
document.addEventListener("change", (event) => {
  const target = event.target.matches("[data-fill]") && document.getElementById(event.target.dataset.fill);
  if (target && event.target.value) target.value = event.target.value;
});

// A form that was refused says at its top what to correct: there the reader goes on, and by its
// links to the fields, the folded ones too.
function goTo(element, block) {
  for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block });
}
function showErrors() {
  const summary = document.querySelector("[data-errors]:not([data-shown])");
  if (!summary) return;
  summary.dataset.shown = "";
  goTo(summary, "start");
}
showErrors();
document.addEventListener("htmx:after:swap", showErrors);
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-errors] a");
  const field = link && document.getElementById(link.hash.slice(1));
  if (!field) return;
  event.preventDefault();
  goTo(field, "center");
});

// What scrolls sideways can be reached by keyboard too.
function reachScrolling() {
  for (const box of document.querySelectorAll(".prose pre, .prose-table, .maths-display, .table-responsive, .reading-box")) {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
  }
}
reachScrolling();
for (const shown of ["htmx:after:swap", "concord:shown"]) document.addEventListener(shown, reachScrolling);
document.addEventListener("toggle", reachScrolling, true);
window.addEventListener("resize", reachScrolling);
