// Keys for who works without a mouse: "/" to the search field, "c" to the note of the contact form, Ctrl+Enter saves it.
// The single letters can be switched off (WCAG 2.1.4); nothing happens while a field needs the key.
const STORE = "shortcuts-off";
const bar = document.querySelector("[data-shortcuts]");
const off = () => localStorage.getItem(STORE) === "yes";

if (bar) {
  const button = bar.querySelector("button");
  bar.hidden = false;
  button.setAttribute("aria-pressed", String(off()));
  button.addEventListener("click", () => {
    localStorage.setItem(STORE, off() ? "no" : "yes");
    button.setAttribute("aria-pressed", String(off()));
  });
}

document.addEventListener("keydown", (event) => {
  const command = event.ctrlKey || event.metaKey;
  const form = document.querySelector("form[data-save]");
  if (event.key === "Enter" && command && form?.contains(event.target)) {
    form.requestSubmit();
  }
  const typing = event.target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select");
  if (typing || command || event.altKey || off()) {
    return;
  }
  const field = { "/": "input[type=search]", c: "form[data-save] textarea" }[event.key];
  const found = field && document.querySelector(field);
  if (found) {
    event.preventDefault();
    found.focus();
  }
});
