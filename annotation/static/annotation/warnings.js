// What the rater has to know, above the pair, until they close it or its matter is settled.
const host = document.getElementById("task");

function button(words, act) {
  const one = document.createElement("button");
  one.type = "button";
  one.className = "btn btn-sm";
  one.textContent = words;
  one.addEventListener("click", act);
  return one;
}

function readable({ words, text }) {
  const label = document.createElement("label");
  label.className = "w-100";
  const area = document.createElement("textarea");
  area.className = "form-control";
  area.readOnly = true;
  area.dataset.unsaved = "";
  area.value = text;
  label.append(`${words}:`, area);
  return label;
}

function signInLink() {
  const link = document.createElement("a");
  link.className = "btn btn-sm";
  link.href = host.dataset.signIn;
  link.target = "_blank";
  link.textContent = "Sign in";
  return link;
}

// `texts` are shown to be copied, `about` names the side it is about, `again` sends once more.
// What holds something that is stored nowhere else stays whatever card comes.
export function showWarning(text, { code = "", about = "", texts = [], signIn = false, actions = [], again, close }) {
  const warning = document.createElement("div");
  warning.className = "alert alert-danger d-flex flex-wrap align-items-center gap-2";
  warning.dataset.warning = "";
  if (again || texts.length) warning.dataset.keep = "";
  if (code) warning.dataset.code = code;
  if (about) warning.dataset.about = about;
  warning.setAttribute("role", "alert");
  const words = document.createElement("span");
  words.className = "flex-fill";
  words.textContent = text;
  warning.append(words, ...texts.map(readable));
  if (signIn) warning.append(signInLink());
  for (const action of actions) warning.append(button(action.words, action.act));
  warning.append(button(again ? "Send again" : "Close", () => { warning.remove(); again?.(); close(); }));
  const place = host.querySelector("[data-alerts]") ?? host;
  for (const one of place.querySelectorAll("[data-warning]")) {
    if (one.querySelector("span").textContent === text && !("keep" in one.dataset)) one.remove();
  }
  place.prepend(warning);
  warning.scrollIntoView({ block: "nearest", behavior: "instant" });
}
