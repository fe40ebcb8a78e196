// Labelling: everything by key, the next pair fetched ahead, time on task without idle time, and
// nothing that was judged, written or picked lost without a question.
import { clock } from "./clock.js";
import { edits, forget, keep, mayLose, restore, written } from "./drafts.js";
import { choiceRows, press, useKeys, write } from "./keys.js";
import { differencesRow, original, side } from "./pair.js";
import { NO_ANSWER, SIGNED_OUT, deliver, part, renewToken, status } from "./server.js";
import { showWarning } from "./warnings.js";

const EXTEND_EVERY_MS = 4 * 60 * 1000;
const DECIDED = new Set(["left", "right"]);

const host = document.getElementById("task");
let ahead = null;          // the next task's card, fetched while this one is read
let busy = false;          // a card is being fetched: the one on the screen is no longer asked
let sending = Promise.resolve();
let unsent = 0;

const $ = (selector) => host?.querySelector(selector) ?? null;
const form = () => $("[data-choices]");
const card = () => $("[data-task]");
const shownTask = () => card()?.dataset.task ?? "";

// --- Cards --------------------------------------------------------------------------------------

function setAhead(next) {
  ahead = next;
  host.toggleAttribute("data-ahead", next !== null);
}

async function fetchAhead() {
  const task = shownTask();
  setAhead(null);
  if (!task || form().hasAttribute("data-learning")) return;
  // A task that is still being sent is still held: asked now, the server would offer it again.
  await sending;
  if (shownTask() !== task || ahead !== null || unsent > 0) return;
  const got = await part(`${host.dataset.next}?besides=${task}`);
  // Without it the next card comes with the answer to this one.
  const next = typeof got === "string" ? null : got.answer.querySelector("[data-task]");
  if (next && shownTask() === task && ahead === null) setAhead(next);
}

function show(article) {
  $("[data-card]").replaceChildren(article);
  $("[data-alerts]").replaceChildren(...host.querySelectorAll("[data-warning]:not([data-about])"));
  begin();
}

function begin() {
  clock.start();
  window.scrollTo({ top: 0, behavior: "instant" });
  greet();
  takeFocus();
  document.dispatchEvent(new Event("concord:shown"));
}

// A card that has just come gets back what was written on it before.
function greet() {
  if (!card()) return;
  restore(card());
  markEdits();
  keep(card());
}

// Keys go to the pair, not to a field or button that was used last.
function takeFocus() {
  const article = $("[data-task], [data-reviewed]");
  if (article) article.focus({ preventScroll: true }); else document.activeElement?.blur();
}

// --- Sending ------------------------------------------------------------------------------------

function submitAhead(body) {
  const sent = card();
  const next = ahead;
  setAhead(null);
  unsent += 1;
  allowUndo();
  const attempt = async () => {
    const got = await deliver(host.dataset.submit, body);
    if (got === NO_ANSWER || got === SIGNED_OUT) {
      warn(got === NO_ANSWER
        ? "The server is not responding. Your last label is kept in this tab but has not been saved yet."
        : "You have been signed out. Your last label is kept in this tab but has not been saved yet: sign in from another tab, then send it again.", {
        again: () => { sending = sending.then(() => renewToken(body)).then(attempt); fetchAhead(); },
        signIn: got === SIGNED_OUT,
      });
      return;
    }
    unsent -= 1;
    if ($("[data-undo] button")) $("[data-undo] button").disabled = unsent > 0;
    const { answer } = got;
    if (answer.bar) {
      forget(sent);
      $("[data-words]").textContent = answer.bar.words;
      $(".progress").setAttribute("aria-valuenow", answer.bar.percent);
      $(".progress-fill").setAttribute("width", `${answer.bar.percent}%`);
    } else {
      refused(sent, got);
    }
  };
  sending = sending.then(attempt);
  show(next);
  fetchAhead();
}

// What the server does not take is put before the rater again; what it has given to others cannot
// be, but what was written on it stays readable.
function refused(sent, { status: code, answer }) {
  if (code === 400) {
    const current = card();
    show(sent);
    if (current) setAhead(current); else fetchAhead();
    warn(`Your label was not saved: ${answer.message}`, { code: answer.code });
    return;
  }
  warn(`Your label on the previous pair was not saved: ${answer.message ?? answer.detail}`, { code: answer.code, texts: written(sent) });
  forget(sent);
}

// Send a form whose answer is the next card.
async function go(address, body, sent) {
  setBusy(true);
  let got = await part(address, body);
  if (got.status === 403 && body && await renewToken(body)) got = await part(address, body);
  setBusy(false);
  if (got === NO_ANSWER) {
    warn("The server did not respond. Nothing was saved. Please try again.");
  } else if (got === SIGNED_OUT) {
    warn("You have been signed out. What you wrote is still here: sign in from another tab, then try again.", { signIn: true });
  } else if (!got.answer.querySelector("[data-card], [data-paused]")) {
    window.location.assign(host.dataset.page);
  } else {
    if (sent && got.status < 400) forget(sent);
    const kept = [...host.querySelectorAll("[data-keep]")];
    setAhead(null);
    host.replaceChildren(got.answer);
    ($("[data-alerts]") ?? host).prepend(...kept);
    allowUndo();
    begin();
    fetchAhead();
  }
}

// A pair whose label is not stored is still held: what asked for another now would get it again.
function whenSent(act) {
  sending.then(() => {
    if (unsent > 0) warn("Your label on the previous pair has not been saved yet. Send it again first.");
    else act();
  });
}

// What is not stored yet cannot be taken back, and what was before it must not be.
function allowUndo() {
  const undo = $("[data-undo] button");
  if (undo && unsent > 0) undo.disabled = true;
}

function fill(held, pressed) {
  held.elements.seconds.value = clock.seconds();
  const edit = DECIDED.has(pressed) && edits(card()).find((one) => one.side === pressed);
  held.elements.edited.value = edit ? edit.text : "";
  held.elements.edited_side.value = edit ? pressed : "";
}

document.addEventListener("submit", (event) => {
  const sent = event.target;
  if (!host || !host.contains(sent) || !sent.matches("[data-choices], [data-undo], [data-pause]")) return;
  event.preventDefault();
  if (busy) return;
  if (sent.matches("[data-undo]")) takeBack(sent);
  else if (sent.matches("[data-pause]")) rest(sent);
  else if (event.submitter?.name === "reason") skip(sent, event.submitter);
  else if (event.submitter?.name === "choice") judge(sent, event.submitter);
});

function judge(held, button) {
  if (questioned(button.value)) return;
  fill(held, button.value);
  const body = new FormData(held, button);
  if (ahead === null) {
    whenSent(() => go(host.dataset.submit, body, card()));
    return;
  }
  body.set("ahead", "1");
  submitAhead(body);
}

function skip(held, button) {
  const leaves = card();
  if (!mayLose(leaves, "Skip this pair?")) { takeFocus(); return; }
  const body = new FormData(held, button);
  whenSent(() => go(button.formAction, body, leaves));
}

function takeBack(sent) {
  const leaves = card();
  if (!mayLose(leaves, "Undo your last label?")) return;
  const body = new FormData(sent);
  whenSent(() => go(sent.action, body, leaves));
}

function rest(sent) {
  const leaves = card();
  if (!mayLose(leaves, "Pause and return this pair to the queue?")) return;
  const body = new FormData(sent);
  whenSent(() => go(sent.action, body, leaves));
}

// Whether the answer raises a question that the rater has to settle first.
function questioned(pressed) {
  const changed = edits(card());
  const stray = changed.find((one) => one.side !== pressed);
  if (stray) {
    warn(`You edited ${stray.letter} but chose a different answer. Choose ${stray.letter}, or discard the edit.`, { edit: stray });
    takeFocus();
    return true;
  }
  const empty = changed.find((one) => !one.text.trim());
  if (empty) {
    warn(`Your edit of ${empty.letter} is empty. Write the response as it should be, or discard the edit.`, { edit: empty });
    takeFocus();
    return true;
  }
  const wanted = form().dataset.strength === "required" && DECIDED.has(pressed);
  if (wanted && !$("input[name=strength]:checked")) {
    warn("How much better? Choose slightly, clearly or much first.");
    takeFocus();
    return true;
  }
  return false;
}

window.addEventListener("beforeunload", (event) => {
  if (unsent > 0 || written(card()).length > 0 || written(ahead).length > 0) event.preventDefault();
});

// --- Edits --------------------------------------------------------------------------------------

// The editor opens and closes; what was written in it stays, and says so.
function toggleEditor(name) {
  const editor = side(name)?.querySelector("[data-editor]");
  if (!editor) return;
  editor.hidden = !editor.hidden;
  markEdits();
  if (editor.hidden) takeFocus(); else editor.querySelector("textarea").focus();
}

function markEdits() {
  const changed = new Set(edits(card()).map((one) => one.side));
  for (const section of host.querySelectorAll("[data-side]")) {
    const button = section.querySelector("[data-edit]");
    if (!button) continue;
    const edited = changed.has(section.dataset.side);
    button.setAttribute("aria-expanded", String(!section.querySelector("[data-editor]").hidden));
    section.querySelector("[data-discard]").hidden = !edited;
    section.toggleAttribute("data-edited", edited);
  }
}

function discard(name) {
  const section = side(name);
  if (!window.confirm(`Discard your edit of ${section.dataset.letter}?`)) return;
  section.querySelector("[data-editor] textarea").value = original(section);
  section.querySelector("[data-editor]").hidden = true;
  for (const warning of host.querySelectorAll(`[data-about="${name}"]`)) warning.remove();
  markEdits();
  keep(card());
  takeFocus();
}

document.addEventListener("click", (event) => {
  const target = event.target.closest?.("button, a");
  if (target?.matches("[data-edit]")) toggleEditor(target.dataset.edit);
  else if (target?.matches("[data-discard]")) discard(target.dataset.discard);
  else if (target?.matches("[data-next-pair]") && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    if (!busy) go(host.dataset.page);
  }
});

for (const event of ["input", "change"]) {
  host?.addEventListener(event, () => { if (card()) { markEdits(); keep(card()); } });
}

// --- Keys ---------------------------------------------------------------------------------------

function editNext() {
  const open = $("[data-editor]:not([hidden])")?.closest("[data-side]").dataset.side;
  if (open) toggleEditor(open);
  if (open !== "right") toggleEditor(open === "left" ? "right" : "left");
}

function nextCriterion() {
  const axes = [...host.querySelectorAll(".axis")].filter((one) => one.querySelector("[name^=criterion-]"));
  const at = axes.findIndex((one) => one.contains(document.activeElement));
  const axis = axes[(at + 1) % axes.length];
  (axis.querySelector(":checked") ?? axis.querySelector("input")).focus();
}

function openReasons() {
  $("[data-skip]").click();
  $(".dropdown-menu.show .dropdown-item")?.focus();
}

const strength = (key, value, words) => {
  const radio = () => $(`#strength-${value}`);
  const run = () => { radio().checked = true; keep(card()); };
  return { keys: [key], words, there: () => radio() !== null, run };
};

const afterSending = (row) => ({ ...row, run: () => sending.then(row.run) });

useKeys([
  ...choiceRows((value) => form()?.querySelector(`button[name=choice][value=${value}]`) ?? null),
  press(["Enter"], "Go to the next pair", "[data-next-pair]"),
  strength("s", 1, "Slightly better (press before choosing)"),
  strength("c", 2, "Clearly better (press before choosing)"),
  strength("m", 3, "Much better (press before choosing)"),
  {
    keys: ["q"],
    words: "Next criterion; ← and → choose",
    there: () => $("[name^=criterion-]") !== null,
    run: nextCriterion,
  },
  { keys: ["i"], words: "Edit A, then B", there: () => $("[data-edit]") !== null, run: editNext },
  differencesRow,
  write(["n"], "Write a comment", "#comment"),
  { keys: ["k"], words: "Skip and choose a reason", there: () => $("[data-skip]") !== null, run: openReasons },
  afterSending(press(["u", "Control+z"], "Undo the last label", "[data-undo] button:not([disabled])")),
  afterSending(press(["p"], "Pause and return your pair to the queue", "[data-pause] button")),
  press(["g"], "Open the guideline", "[data-guideline]"),
], { ready: () => host !== null && !busy });

// --- What goes wrong ----------------------------------------------------------------------------

function setBusy(value) {
  busy = value;
  host.toggleAttribute("data-busy", value);
}

function warn(text, { edit = null, again = null, ...rest } = {}) {
  const discards = edit ? [{ words: "Discard edit", act: () => discard(edit.side) }] : [];
  showWarning(text, { about: edit?.side, actions: discards, again, close: takeFocus, ...rest });
}

// Both tasks are kept: the one on the screen, and the next.
async function extend(held) {
  const body = new FormData();
  for (const name of ["task", "lease"]) body.set(name, held.elements[name].value);
  body.set("csrfmiddlewaretoken", form().elements.csrfmiddlewaretoken.value);
  const got = await status(held.dataset.extend, body);
  return got?.status === 409 ? got.answer : "";
}

setInterval(async () => {
  const held = form();
  if (!held || document.hidden) return;
  const lost = await extend(held);
  if (lost) warn(lost);
  const next = ahead;
  if (next === null || !await extend(next.querySelector("[data-choices]")) || ahead !== next) return;
  if (written(next).length) warn("The next pair has gone back in the queue.", { texts: written(next) });
  fetchAhead();
}, EXTEND_EVERY_MS);

if (host) {
  greet();
  fetchAhead();
}
