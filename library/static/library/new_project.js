// The form of a new project: the slug follows the name, a starter fills in the guideline, and there
// are as many rows for people as are wanted.
const form = document.querySelector("[data-new-project]");
const { name, slug, starter, guideline } = form.elements;

// As the server makes it of the name.
function slugify(text) {
  return text.normalize("NFKD").replace(/[^\x00-\x7f]/g, "").toLowerCase()
    .replace(/[^\w\s-]/g, "").replace(/[-\s]+/g, "-").replace(/^[-_]+|[-_]+$/g, "").slice(0, slug.maxLength);
}
let suggested = slug.value === "" || slug.value === slugify(name.value);
name.addEventListener("input", () => {
  if (suggested) slug.value = slugify(name.value);
});
slug.addEventListener("input", () => { suggested = slug.value === ""; });

// What somebody wrote is not replaced without a question.
const texts = new Map([...document.querySelectorAll("[data-starter]")]
  .map((one) => [one.dataset.starter, one.content.textContent]));
let chosen = starter.value;
const isOurs = () => guideline.value.trim() === "" || [...texts.values()].some((text) => text.trim() === guideline.value.trim());
starter.addEventListener("change", () => {
  if (!isOurs() && !window.confirm("Replace the guideline that you have edited?")) {
    starter.value = chosen;
    return;
  }
  chosen = starter.value;
  guideline.value = texts.get(chosen) ?? "";
});

const rows = form.querySelector("[data-invitees]");
const more = form.querySelector("[data-more-invitees]");
const MOST_ROWS = 50;
more.hidden = false;
more.addEventListener("click", () => {
  const number = rows.children.length;
  const row = rows.lastElementChild.cloneNode(true);
  for (const note of row.querySelectorAll(".text-danger")) note.remove();
  for (const control of row.querySelectorAll("input, select")) {
    const kind = control.name.split("_")[0];
    control.name = `${kind}_${number}`;
    control.id = `id_${control.name}`;
    control.classList.remove("is-invalid");
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-describedby");
    control.setAttribute("aria-label", control.ariaLabel.replace(/\d+$/, number + 1));
  }
  row.querySelector("input").value = "";
  rows.append(row);
  row.querySelector("input").focus();
  more.hidden = rows.children.length >= MOST_ROWS;
});
