// A file goes up in parts. A lost connection costs one part: it is asked where to go on, and the
// same file chosen again, on a page opened anew too, goes on where it was.
const form = document.querySelector("[data-upload]");
const input = form.querySelector("input[type=file]");
const button = form.querySelector("button[type=submit]");
const cancel = form.querySelector("[data-cancel]");
const drop = form.querySelector("[data-drop]");
const bar = form.querySelector("[data-bar]");
const { uploads, review, partBytes, mostBytes } = form.dataset;
const LONGEST_WAIT = 30_000;
let sending = null;

for (const one of form.querySelectorAll("[data-with-script]")) one.hidden = false;

function say(text) { form.querySelector("[data-said]").textContent = text; }

function show(file, received) {
  const percent = Math.floor((100 * received) / file.size);
  bar.setAttribute("aria-valuenow", percent);
  bar.querySelector("rect").setAttribute("width", `${percent}%`);
  form.querySelector("[data-name]").textContent = file.name;
}

class Refused extends Error {}

async function ask(method, path, body, signal) {
  const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
  if (body) headers["Content-Type"] = body instanceof Blob ? "application/octet-stream" : "application/json";
  const answer = await fetch(path, {
    method, headers, signal, body: body instanceof Blob || !body ? body : JSON.stringify(body),
  });
  // What passes by itself is tried again: a busy or restarting server.
  if (answer.status >= 500 || answer.status === 429) throw new TypeError(`answered ${answer.status}`);
  const said = answer.status === 204 ? {} : await answer.json();
  return { status: answer.status, said };
}

// Until it is answered, however often the connection is lost.
async function insist(method, path, body, signal) {
  for (let wait = 1_000; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    try {
      return await ask(method, path, body, signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof TypeError)) throw error;
      say(`The connection was lost. Trying again in ${Math.round(wait / 1000)} s.`);
      await new Promise((go) => {
        const timer = setTimeout(go, wait);
        for (const sign of ["online", "abort"]) (sign === "online" ? window : signal).addEventListener(sign, () => { clearTimeout(timer); go(); }, { once: true });
      });
      if (signal.aborted) throw error;
    }
  }
}

function keyOf(file) { return ["upload", uploads, file.name, file.size, file.lastModified].join("\n"); }

function remembered(key) { try { return localStorage.getItem(key); } catch { return null; } }
function remember(key, id) { try { if (id) localStorage.setItem(key, id); else localStorage.removeItem(key); } catch { /* A private window keeps nothing. */ } }

function wordsOf({ said }) {
  return Object.values(said.fields ?? {}).flat().join(" ") || said.message || "The file was refused.";
}

async function begin(file, signal) {
  const known = remembered(keyOf(file));
  if (known) {
    const found = await insist("GET", `${uploads}/${known}`, null, signal);
    if (found.status === 200 && found.said.size === file.size) return found.said;
  }
  const made = await insist("POST", uploads, { name: file.name, size: file.size }, signal);
  if (made.status !== 201) throw new Refused(wordsOf(made));
  remember(keyOf(file), made.said.id);
  return made.said;
}

async function send(file) {
  const { signal } = sending.control;
  const upload = await begin(file, signal);
  sending.id = upload.id;
  let { received } = upload;
  while (received < file.size) {
    show(file, received);
    say(`${Math.floor((100 * received) / file.size)} % uploaded`);
    const part = file.slice(received, received + Number(partBytes));
    const answer = await insist("PUT", `${uploads}/${upload.id}/parts?offset=${received}`, part, signal);
    if (answer.status === 409) {
      const now = await insist("GET", `${uploads}/${upload.id}`, null, signal);
      if (now.status !== 200 || now.said.received === received) throw new Refused(wordsOf(answer));
      received = now.said.received;
    } else if (answer.status === 200) {
      received = answer.said.received;
    } else if (answer.status === 404) {
      remember(keyOf(file), null);
      throw new Refused("The upload is gone. Start again.");
    } else if (answer.status === 401 || answer.status === 403) {
      throw new Refused(`${wordsOf(answer)} If your session has ended, sign in and choose the file again.`);
    } else {
      throw new Refused(wordsOf(answer));
    }
  }
  show(file, received);
  remember(keyOf(file), null);
  say("Uploaded. Reading the file.");
  window.location.assign(review.replace("/0/", `/${upload.id}/`));
}

async function start(file) {
  if (sending) return;
  if (!file.size) { say(`${file.name} is empty.`); return; }
  if (file.size > Number(mostBytes)) {
    say(`${file.name} is too large: the limit is ${Number(mostBytes).toLocaleString("en")} bytes.`);
    return;
  }
  sending = { control: new AbortController(), id: null };
  form.querySelector("[data-sending]").hidden = false;
  button.disabled = true;
  cancel.hidden = false;
  try {
    await send(file);
  } catch (error) {
    if (error instanceof Refused) say(error.message);
    else if (sending.control.signal.aborted) say("The upload was cancelled.");
    // What is no fault of the connection, such as a file that was changed or moved meanwhile.
    else say(`${file.name} could not be read: ${error.message}. Choose it again.`);
    button.disabled = false;
  } finally {
    cancel.hidden = true;
    sending = null;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (input.files.length) start(input.files[0]);
  else say("Choose a file first.");
});
input.addEventListener("change", () => { if (input.files.length) start(input.files[0]); });

cancel.addEventListener("click", async () => {
  if (!window.confirm(cancel.dataset.confirm) || !sending) return;
  const { control, id } = sending;
  control.abort();
  if (input.files.length) remember(keyOf(input.files[0]), null);
  input.value = "";
  if (id) await ask("DELETE", `${uploads}/${id}`, null, undefined).catch(() => {});
});

for (const name of ["dragover", "dragenter"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("is-over"); });
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("is-over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (!event.dataTransfer.files.length) return;
  input.files = event.dataTransfer.files;
  start(event.dataTransfer.files[0]);
});
window.addEventListener("beforeunload", (event) => { if (sending && !sending.control.signal.aborted && Number(bar.getAttribute("aria-valuenow")) < 100) event.preventDefault(); });
