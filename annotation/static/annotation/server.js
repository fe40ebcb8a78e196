// What the labelling page sends, and what can come of it.
const RETRY_AFTER_MS = [1000, 3000, 8000];

const host = document.getElementById("task");
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export const NO_ANSWER = "no answer";
export const SIGNED_OUT = "signed out";

// One request: {status, answer}, where answer is JSON or text; or why there is none.
async function ask(address, body, asked) {
  let response;
  try {
    response = await fetch(address, { method: body ? "POST" : "GET", body, headers: { "HX-Request": "true" } });
  } catch {
    return NO_ANSWER;
  }
  if (response.redirected || response.status === 401) return SIGNED_OUT;
  if (response.status >= 500) return NO_ANSWER;
  const answer = await response.text();
  try {
    return { status: response.status, answer: asked === "json" ? JSON.parse(answer) : answer };
  } catch {
    // A form that is older than the last sign-in is refused by a page.
    return response.status === 403 ? SIGNED_OUT : NO_ANSWER;
  }
}

// A label, tried again while the server does not answer.
export async function deliver(address, body) {
  for (let attempt = 0; ; attempt += 1) {
    const got = await ask(address, body, "json");
    if (got !== NO_ANSWER || attempt === RETRY_AFTER_MS.length) return got;
    await pause(RETRY_AFTER_MS[attempt]);
  }
}

// A part of the page, as nodes under `answer`.
export async function part(address, body = undefined) {
  const got = await ask(address, body, "text");
  if (typeof got === "string") return got;
  const template = document.createElement("template");
  template.innerHTML = got.answer;
  return { status: got.status, answer: template.content };
}

// After another sign-in the old token is worth nothing. Whether there is a new one.
export async function renewToken(body) {
  const got = await part(host.dataset.page);
  const fresh = typeof got === "string" ? null : got.answer.querySelector("[name=csrfmiddlewaretoken]");
  if (!fresh) return false;
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = fresh.value;
  body.set("csrfmiddlewaretoken", fresh.value);
  return true;
}

export async function status(address, body) {
  const got = await ask(address, body, "text");
  return typeof got === "string" ? null : got;
}
