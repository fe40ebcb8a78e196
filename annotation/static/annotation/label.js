// Labelling: everything by key, the next pair fetched ahead, time on task without idle time, and
// no judgement lost when the network is.
const CHOICES = {
  1: "left", a: "left", ArrowLeft: "left",
  2: "right", b: "right", ArrowRight: "right",
  e: "equal", 0: "equal",
  x: "both_bad",
};
const EXTEND_EVERY_MS = 4 * 60 * 1000;
const RETRY_AFTER_MS = [1000, 3000, 8000];
const DECIDED = new Set(["left", "right"]);

const host = document.getElementById("task");
const keys = document.getElementById("keys");
let ahead = null;          // the next task's card, fetched while this one is read
let busy = false;          // htmx is fetching a card: the one on the screen is no longer asked
let sending = Promise.resolve();
let unsent = 0;

const $ = (selector) => host?.querySelector(selector);
const form = () => $("[data-choices]");
const shownTask = () => $("[data-task]")?.dataset.task ?? "";
const original = (section) => section.querySelector("[data-original]").value;
const csrf = () => form()?.elements.csrfmiddlewaretoken.value;

// --- Time on task -------------------------------------------------------------------------------

const clock = {
  start() { this.active = 0; this.last = performance.now(); },
  tick() {
    const now = performance.now();
    this.active += Math.min(now - this.last, this.idleMs);
    this.last = now;
  },
  seconds() { this.tick(); return (this.active / 1000).toFixed(2); },
  idleMs: 1000 * Number(host?.dataset.idle ?? 60),
};
clock.start();
for (const event of ["pointerdown", "pointermove", "keydown", "wheel", "touchmove"]) {
  document.addEventListener(event, () => clock.tick(), { passive: true, capture: true });
}
document.addEventListener("visibilitychange", () => {
  if (document.hidden) clock.tick(); else clock.last = performance.now();
});

// --- The next task, ahead of time ---------------------------------------------------------------

function setAhead(card) {
  ahead = card;
  host.toggleAttribute("data-ahead", card !== null);
}

async function fetchAhead() {
  const task = shownTask();
  setAhead(null);
  if (!task || form().hasAttribute("data-learning")) return;
  // A task that is still being sent is still held: asked now, the server would offer it again.
  await sending;
  if (shownTask() !== task) return;
  try {
    const answer = await fetch(`${host.dataset.next}?besides=${task}`, { headers: { Accept: "text/html" } });
    if (answer.status !== 200 || answer.redirected) return;
    const html = await answer.text();
    if (shownTask() === task) setAhead(html);
  } catch {
    // Without it the next card comes with the answer to this one.
  }
}

function show(card) {
  $("[data-card]").innerHTML = card;
  $("[data-alerts]").replaceChildren(...$("[data-alerts]").querySelectorAll("[data-warning]"));
  window.htmx.process($("[data-card]"));
  begin();
}

function begin() {
  clock.start();
  window.scrollTo({ top: 0 });
  $("[data-task]")?.focus({ preventScroll: true });
  fetchAhead();
}

// --- Sending ------------------------------------------------------------------------------------

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function send(body) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const answer = await fetch(host.dataset.submit, { method: "POST", body });
      if (answer.redirected) throw new Error("signed out");
      if (answer.status < 500) return await answer.json();
    } catch (error) {
      if (error.message === "signed out") return { message: "You have been signed out. Sign in again in another tab, then press again." };
    }
    if (attempt === RETRY_AFTER_MS.length) return null;
    await pause(RETRY_AFTER_MS[attempt]);
  }
}

function submitAhead(body) {
  const card = ahead;
  setAhead(null);
  unsent += 1;
  const undo = $("[data-undo] button");
  undo.disabled = true;
  const deliver = async () => {
    const answer = await send(body);
    if (answer === null) {
      warn("The server does not answer. Your last label is kept here and not stored yet.", () => { sending = sending.then(deliver); });
      return;
    }
    unsent -= 1;
    undo.disabled = unsent > 0;
    if (answer.message) warn(`Your label on the pair before was not stored: ${answer.message}`, null, answer.code);
    if (answer.bar) {
      $("[data-words]").textContent = answer.bar.words;
      $(".progress").setAttribute("aria-valuenow", answer.bar.percent);
      $(".progress-fill").setAttribute("width", `${answer.bar.percent}%`);
    }
  };
  sending = sending.then(deliver);
  show(card);
}

function fill(held, pressed) {
  held.elements.seconds.value = clock.seconds();
  const side = DECIDED.has(pressed) && $(`[data-side="${pressed}"] [data-editor]:not([hidden]) textarea`);
  const changed = side && side.value !== original(side.closest("[data-side]"));
  held.elements.edited.value = changed ? side.value : "";
  held.elements.edited_side.value = changed ? pressed : "";
}

document.addEventListener("submit", (event) => {
  const held = event.target;
  if (!held.matches?.("[data-choices]") || event.submitter?.name !== "choice") return;
  const pressed = event.submitter.value;
  if (strayEdit(pressed)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  fill(held, pressed);
  // Without htmx (its script has not arrived yet) the form is sent as a form.
  if (ahead === null || !window.htmx) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const body = new FormData(held, event.submitter);
  body.set("ahead", "1");
  submitAhead(body);
}, true);

function strayEdit(pressed) {
  for (const editor of host.querySelectorAll("[data-editor]:not([hidden])")) {
    const area = editor.querySelector("textarea");
    const side = editor.closest("[data-side]").dataset.side;
    if (side === pressed || area.value === original(area.closest("[data-side]"))) continue;
    warn(`You edited ${side === "left" ? "A" : "B"} and chose otherwise. Choose it, or close its editor.`);
    area.focus();
    return true;
  }
  return false;
}

window.addEventListener("beforeunload", (event) => { if (unsent > 0) event.preventDefault(); });

// --- The card's own buttons ---------------------------------------------------------------------

function toggleEditor(side) {
  const section = $(`[data-side="${side}"]`);
  const editor = section?.querySelector("[data-editor]");
  if (!editor) return;
  const button = section.querySelector("[data-edit]");
  editor.hidden = !editor.hidden;
  button.setAttribute("aria-expanded", String(!editor.hidden));
  const area = editor.querySelector("textarea");
  if (editor.hidden) area.value = original(section); else area.focus();
}

function toggleDifferences() {
  const button = $("[data-differences]");
  if (!button) return;
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  button.classList.toggle("active", on);
  const [left, right] = ["left", "right"].map((side) => $(`[data-side="${side}"]`));
  if (on && !left.querySelector("[data-difference]").hasChildNodes()) {
    const [a, b] = [left, right].map(original);
    const parts = window.Diff.diffWordsWithSpace(a, b, { maxEditLength: 4000 });
    for (const [section, other] of [[left, "added"], [right, "removed"]]) {
      const place = section.querySelector("[data-difference]");
      if (!parts) { place.textContent = original(section); continue; }
      for (const part of parts.filter((one) => !one[other])) {
        const node = document.createElement(part.added || part.removed ? "mark" : "span");
        node.textContent = part.value;
        place.append(node);
      }
    }
  }
  for (const section of [left, right]) {
    section.querySelector("[data-rendered]").hidden = on;
    section.querySelector("[data-difference]").hidden = !on;
  }
}

document.addEventListener("click", (event) => {
  const target = event.target.closest?.("button");
  if (!target) return;
  if (target.matches("[data-edit]")) toggleEditor(target.dataset.edit);
  else if (target.matches("[data-differences]")) toggleDifferences();
  else if (target.matches("[data-keys]")) keys.showModal();
});

// --- Keys ---------------------------------------------------------------------------------------

const ACTIONS = {
  "?": () => keys.showModal(),
  u: () => sending.then(() => $("[data-undo] button:not([disabled])")?.click()),
  p: () => sending.then(() => $("[data-pause] button")?.click()),
  g: () => $("[data-guideline]")?.click(),
  d: () => toggleDifferences(),
  n: () => $("#comment")?.focus(),
  k: () => $("[data-skip]")?.click(),
  q: () => $(".axis input[name^=criterion-]")?.focus(),
  i: () => {
    const open = $("[data-editor]:not([hidden])")?.closest("[data-side]").dataset.side;
    if (open) toggleEditor(open);
    toggleEditor(open === "left" ? "right" : "left");
  },
};

document.addEventListener("keydown", (event) => {
  if (!host || keys?.open || event.altKey || event.metaKey || event.repeat || busy) return;
  const field = event.target.closest?.("input:not([type=radio]), textarea, select, [contenteditable]");
  if (field) {
    if (event.key === "Escape") field.blur();
    return;
  }
  const radio = event.target.matches?.("input[type=radio]");
  if (radio && event.key.startsWith("Arrow")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const undo = key === "u" || (event.ctrlKey && key === "z");
  if (event.ctrlKey && !undo) return;
  const action = undo ? ACTIONS.u : ACTIONS[key];
  if (action) {
    event.preventDefault();
    action();
    return;
  }
  const strength = $(`input[data-key="${CSS.escape(key)}"]`);
  if (strength) {
    event.preventDefault();
    strength.checked = true;
    return;
  }
  const button = CHOICES[key] && form()?.querySelector(`button[value="${CHOICES[key]}"][name=choice]`);
  if (!button) return;
  event.preventDefault();
  button.click();
});

// --- What htmx swaps, and what goes wrong -------------------------------------------------------

function setBusy(value) {
  busy = value;
  host?.toggleAttribute("data-busy", value);
}

document.addEventListener("htmx:before:request", () => setBusy(true));
document.addEventListener("htmx:finally:request", () => setBusy(false));
document.addEventListener("htmx:after:swap", () => {
  // From here on keys are meant for the card that is shown now.
  setBusy(false);
  begin();
});
document.addEventListener("htmx:error", () => {
  setBusy(false);
  warn("The server did not answer. Your label is not stored yet: press again.");
});

function warn(text, again = null, code = "") {
  const warning = document.createElement("div");
  warning.className = "alert alert-danger d-flex flex-wrap align-items-center gap-2";
  warning.dataset.warning = "";
  if (code) warning.dataset.code = code;
  warning.setAttribute("role", "alert");
  const words = document.createElement("span");
  words.textContent = text;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm ms-auto";
  button.textContent = again ? "Send again" : "Close";
  button.addEventListener("click", () => { warning.remove(); again?.(); });
  warning.append(words, button);
  const place = $("[data-alerts]") ?? host;
  if ([...place.querySelectorAll("[data-warning] span")].some((one) => one.textContent === text)) return;
  place.prepend(warning);
}

// Both tasks are kept: the one on the screen, and the next.
async function extend(held) {
  const body = new FormData();
  for (const name of ["task", "lease"]) body.set(name, held.elements[name].value);
  body.set("csrfmiddlewaretoken", csrf());
  const answer = await fetch(held.dataset.extend, { method: "POST", body }).catch(() => null);
  return answer?.status === 409 ? answer.text() : "";
}

setInterval(async () => {
  const held = form();
  if (!held || document.hidden) return;
  const lost = await extend(held);
  if (lost) warn(lost);
  if (ahead === null) return;
  const next = document.createElement("template");
  next.innerHTML = ahead;
  if (await extend(next.content.querySelector("[data-choices]"))) fetchAhead();
}, EXTEND_EVERY_MS);

if (host) fetchAhead();
