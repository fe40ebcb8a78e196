// Picking pairs: all on the page at once, and a button that says how many are picked.
const form = document.querySelector("[data-pick]");
if (form) {
  const boxes = [...form.querySelectorAll("input[name=pair]")];
  const whole = form.querySelector("[data-pick-all]");
  const all = whole.querySelector("input");
  const button = form.querySelector("[data-picked]");
  const show = () => {
    const picked = boxes.filter((box) => box.checked).length;
    button.textContent = picked === 1 ? "Use 1 selected pair…" : picked ? `Use ${picked} selected pairs…` : "Use selected pairs…";
    all.checked = picked === boxes.length;
    all.indeterminate = picked > 0 && picked < boxes.length;
  };
  whole.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  form.addEventListener("change", show);
  // A page that comes back from the browser's memory has its boxes as they were left.
  window.addEventListener("pageshow", show);
  show();
}
