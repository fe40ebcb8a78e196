// How an import is read: columns are asked for only where they are wanted, and a menu on which other
// menus depend has the page checked again.
const DECIDING = "#id_format, #id_column_choice, #id_column_gold, #id_column_thumb, #id_pair_policy";
document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-reading]");
  if (!form || !event.target.matches(DECIDING)) return;
  const mapped = form.elements.format.value === "mapping";
  const columns = form.querySelector("[data-columns]");
  columns.hidden = columns.disabled = !mapped;
  limits(form);
  const random = form.elements.pair_policy.value === "random" && !form.elements.pairs_per_prompt.value;
  if (!random) form.requestSubmit(form.querySelector("[value=check]"));
});

function limits(form) {
  const limit = form.elements.pairs_per_prompt;
  limit.parentElement.hidden = form.elements.pair_policy.value !== "random";
}
function ready() { for (const form of document.querySelectorAll("[data-reading]")) limits(form); }
ready();
document.addEventListener("htmx:after:swap", ready);
