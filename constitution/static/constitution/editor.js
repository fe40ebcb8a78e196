// The editor of a draft: stores fields as they are written, shows what others change, and puts two
// edits of one field side by side instead of losing either.
import { showDifference } from "../concord/diff.js";

const bar = document.querySelector("[data-editor]");
const list = document.getElementById("principles");
const saved = bar.querySelector("[data-saved]");
const reason = bar.querySelector("[data-reason]");
const news = document.querySelector("[data-news]");
const WAIT_MS = 700;
const LOOK_EVERY_MS = 4000;
const AGAIN_MS = 5000;
let known = Number(bar.dataset.revision);
let gone = false;           // the draft is no draft any more

const cards = () => [...list.querySelectorAll("[data-principle]")];
const inputs = (card) => [...card.querySelectorAll("[name^='field-']")];
const fieldOf = (input) => input.name.slice("field-".length);
const isDirty = (input) => input.value !== input.dataset.stored;
const dirty = (card) => inputs(card).filter(isDirty);

function settle(card) {
  for (const input of inputs(card)) input.dataset.stored ??= input.value;
  const kinds = card.querySelector("[data-kind]");
  if (kinds && kinds.options.length === 1) kinds.append(document.getElementById("verifier-kinds").content.cloneNode(true));
}

function say(card, text, wrong = false) {
  const place = card.querySelector("[data-status]");
  place.textContent = text;
  place.classList.toggle("text-danger", wrong);
}

function count() {
  const waiting = cards().reduce((sum, card) => sum + dirty(card).length, 0);
  saved.textContent = waiting ? waiting === 1 ? "1 unsaved change" : `${waiting} unsaved changes` : "All changes saved";
  return waiting;
}

// --- Saving -------------------------------------------------------------------------------------

const timers = new Map();
const busy = new Set();

function later(card, milliseconds = WAIT_MS) {
  clearTimeout(timers.get(card));
  timers.set(card, setTimeout(() => save(card), milliseconds));
  count();
}

async function save(card, left = new Set()) {
  if (busy.has(card)) { later(card); return; }
  if (gone || card.querySelector("[data-conflict]")) return;
  const sending = dirty(card).filter((input) => !left.has(fieldOf(input)));
  if (!sending.length) { count(); return; }
  const form = card.querySelector("[data-fields]");
  const body = new FormData();
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  body.set("seen", card.dataset.seen);
  body.set("reason", reason.value);
  const sent = new Map(sending.map((input) => [input, input.value]));
  for (const [input, value] of sent) body.set(input.name, value);
  busy.add(card);
  say(card, "Saving…");
  let answer, told;
  try {
    answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    if (answer.redirected) throw new Error("signed out");
    told = await answer.json();
  } catch (error) {
    say(card, error.message === "signed out" ? "Not saved: you are signed out. Sign in again in another tab." : "Not saved: the server is not responding. Retrying…", true);
    later(card, AGAIN_MS);
    return;
  } finally { busy.delete(card); }
  for (const place of card.querySelectorAll("[data-error]")) if (!left.has(place.dataset.error)) place.textContent = "";
  if (answer.ok) {
    for (const [input, value] of sent) input.dataset.stored = value;
    card.dataset.seen = told.revision;
    take(card, told.fields);
    say(card, left.size ? "Saved, except for the fields with errors" : "Saved", left.size > 0);
  } else if (answer.status === 409 && told.conflicts.length) {
    merge(card, told);
  } else if (told.field && card.querySelector(`[data-error="${CSS.escape(told.field)}"]`)) {
    card.querySelector(`[data-error="${CSS.escape(told.field)}"]`).textContent = told.message;
    left.add(told.field);
    say(card, "Not saved", true);
    if (sending.some((input) => !left.has(fieldOf(input)))) { await save(card, left); return; }
  } else {
    say(card, `Not saved: ${told.message}`, true);
  }
  count();
}

// What the server holds now, for the fields that are not being written.
function take(card, fields) {
  for (const input of inputs(card)) {
    const value = fields[fieldOf(input)];
    if (value === undefined) continue;
    if (!isDirty(input) && document.activeElement !== input) input.value = value;
    if (!isDirty(input) || input.value === value) input.dataset.stored = input.value;
  }
  card.querySelector("[data-title]").textContent = fields.name ?? card.querySelector("[data-title]").textContent;
}

// --- Two edits of one field ---------------------------------------------------------------------

function merge(card, told) {
  const place = card.querySelector("[data-merge]");
  place.replaceChildren();
  const box = document.createElement("div");
  box.className = "card-body border-bottom";
  box.setAttribute("role", "alert");
  const head = document.createElement("p");
  head.className = "fw-bold";
  head.textContent = told.message;
  box.append(head);
  for (const one of told.conflicts) box.append(conflict(card, one, told));
  place.append(box);
  say(card, "Conflicting edits: choose below", true);
}

function conflict(card, one, told) {
  const host = document.createElement("div");
  host.dataset.conflict = one.field;
  host.className = "mb-3";
  const title = document.createElement("div");
  title.className = "subheader";
  title.textContent = one.label;
  const grid = document.createElement("div");
  grid.className = "two-texts my-1";
  const sides = [[`${one.who}’s version`, one.theirs], ["Your version", one.mine]].map(([name, text]) => {
    const side = document.createElement("div");
    const label = document.createElement("div");
    label.className = "text-secondary small";
    label.textContent = name;
    const shown = document.createElement("div");
    shown.className = "text-box";
    showDifference(one.base, text, null, shown);
    side.append(label, shown);
    return side;
  });
  grid.append(...sides);
  const choices = document.createElement("div");
  choices.className = "d-flex flex-wrap gap-2";
  const input = inputs(card).find((field) => fieldOf(field) === one.field);
  const choose = (text, value) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm";
    button.textContent = text;
    button.addEventListener("click", () => {
      input.value = value;
      input.dataset.stored = one.theirs;
      host.remove();
      if (card.querySelector("[data-conflict]")) return;
      card.querySelector("[data-merge]").replaceChildren();
      card.dataset.seen = told.revision;
      take(card, told.fields);
      say(card, "");
      save(card);
    });
    return button;
  };
  choices.append(choose(`Use ${one.who}’s version`, one.theirs), choose("Use my version", one.mine));
  if (input.tagName === "TEXTAREA") choices.append(choose("Keep both", `${one.theirs}\n${one.mine}`));
  host.append(title, grid, choices);
  return host;
}

// --- What others change -------------------------------------------------------------------------

function tell(text, kind = "info") {
  const box = document.createElement("div");
  box.className = `alert alert-${kind} mt-2 mb-2`;
  box.textContent = text;
  news.replaceChildren(box);
  if (kind === "info") setTimeout(() => box.remove(), 8000);
}

async function look() {
  if (gone || document.hidden) return;
  let told;
  try {
    const answer = await fetch(`${bar.dataset.changes}?since=${known}`, { headers: { Accept: "application/json" } });
    if (!answer.ok || answer.redirected) return;
    told = await answer.json();
  } catch { return; }
  if (told.status !== "draft") {
    gone = true;
    tell(`This version is now ${told.status} and can no longer be changed. Reload the page to see it.`, "warning");
    return;
  }
  if (told.revision === known) return;
  const before = known;
  known = told.revision;
  const here = new Set();
  for (const one of told.principles) {
    const card = document.getElementById(`principle-${one.id}`);
    if (!card) continue;
    here.add(one.id);
    if (busy.has(card) || Number(card.dataset.seen) >= told.revision) continue;
    if (dirty(card).length) continue;          // its save will find what to merge
    const changed = inputs(card).some((input) => input.value !== one.fields[fieldOf(input)]);
    take(card, one.fields);
    card.dataset.seen = told.revision;
    if (changed && before) tell(`${told.authors.join(" and ")} changed “${one.fields.name}”.`);
  }
  if (told.order.join() === cards().map((card) => card.dataset.principle).join()) return;
  const answer = await fetch(bar.dataset.part);
  if (!answer.ok || answer.redirected) return;
  rearrange(await answer.text());
  if (told.authors.length) tell(`${told.authors.join(" and ")} added, removed or reordered principles.`);
}

// Adding, removing, moving, duplicating: the answer is the list as it stands then.
async function act(form) {
  const body = new FormData(form);
  body.set("reason", reason.value);
  if (body.has("seen")) body.set("seen", form.closest("[data-principle]").dataset.seen);
  let answer;
  try {
    answer = await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } });
    if (answer.redirected) throw new Error("signed out");
  } catch {
    tell("Nothing was changed: the server is not responding, or you are signed out.", "danger");
    return;
  }
  const html = await answer.text();
  if (!answer.ok && answer.status !== 409) { tell(`Nothing was changed: the server returned an error (${answer.status}).`, "danger"); return; }
  const refused = rearrange(html);
  if (refused) tell(refused, "warning");
  else if (form.matches("[data-add]")) { form.reset(); cards().at(-1)?.querySelector("[name='field-comparison']")?.focus(); }
}

// Cards come, go and move; those that are here already keep what is written in them. Answers with
// what the server refused, if it did.
function rearrange(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const refused = fresh.content.querySelector(":scope > .alert")?.textContent ?? "";
  const old = new Map(cards().map((card) => [card.id, card]));
  const next = [...fresh.content.querySelectorAll("[data-principle]")];
  for (const [id, card] of old) {
    if (next.some((one) => one.id === id)) continue;
    if (dirty(card).length) { say(card, "Someone removed this principle. Your text is not saved: copy it from here.", true); continue; }
    card.remove();
  }
  let last = null;
  for (const one of next) {
    const card = old.get(one.id) ?? one;
    if (old.has(one.id)) {
      card.querySelector("[data-position]").textContent = one.querySelector("[data-position]").textContent;
      card.querySelector("[data-tools]").replaceWith(one.querySelector("[data-tools]"));
    }
    if (last) last.after(card); else list.prepend(card);
    last = card;
  }
  if (next.length) list.querySelector(":scope > .empty")?.remove();
  begin();
  return refused;
}

// --- The page's own manners ---------------------------------------------------------------------

function begin() { for (const card of cards()) settle(card); search(); }

function search() {
  const wanted = document.querySelector("[data-search]").value.trim().toLowerCase();
  for (const card of cards()) {
    const text = [card.querySelector("[data-title]").textContent, ...inputs(card).map((input) => input.value)].join(" ").toLowerCase();
    card.hidden = wanted !== "" && !text.includes(wanted);
  }
}

list.addEventListener("input", (event) => {
  const card = event.target.closest("[data-principle]");
  if (!card || !event.target.name?.startsWith("field-")) return;
  if (event.target.name === "field-name") card.querySelector("[data-title]").textContent = event.target.value;
  later(card);
});
list.addEventListener("change", (event) => {
  const card = event.target.closest("[data-principle]");
  if (event.target.matches("[data-kind]") && event.target.value) {
    const field = card.querySelector("[name='field-verifier']");
    field.value = event.target.value;
    event.target.value = "";
    field.focus();
    later(card);
  } else if (card) later(card, 0);
});
list.addEventListener("click", (event) => {
  if (!event.target.matches("[data-insert-example]")) return;
  const card = event.target.closest("[data-principle]");
  const field = card.querySelector("[name='field-examples']");
  field.value = `${field.value.trimEnd()}${field.value.trim() ? "\n" : ""}${document.getElementById("example-form").innerHTML}`;
  field.focus();
});
list.addEventListener("submit", (event) => {
  if (event.target.matches("[data-fields]")) { event.preventDefault(); save(event.target.closest("[data-principle]")); }
}, true);
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-act]")) return;
  event.preventDefault();
  const name = form.closest("[data-principle]")?.querySelector("[data-title]").textContent;
  if (!form.matches("[data-remove]") || window.confirm(`Remove “${name}”?`)) act(form);
});
document.querySelector("[data-search]").addEventListener("input", search);
window.addEventListener("beforeunload", (event) => { if (count()) event.preventDefault(); });

setInterval(look, LOOK_EVERY_MS);
begin();
