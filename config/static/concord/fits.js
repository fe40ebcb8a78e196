// A list that another narrows: the engines that can open the chosen model.
function fit(list, source) {
  const fits = source.selectedOptions[0]?.dataset.fits?.split(" ");
  for (const option of list.options) {
    option.hidden = option.disabled = fits !== undefined && !fits.includes(option.value);
  }
  if (list.selectedOptions[0]?.disabled) {
    const first = [...list.options].find((option) => !option.disabled);
    if (first) list.value = first.value;
  }
}

for (const list of document.querySelectorAll("[data-fits-to]")) {
  const source = document.getElementById(list.dataset.fitsTo);
  if (!source) continue;
  source.addEventListener("change", () => fit(list, source));
  fit(list, source);
}
