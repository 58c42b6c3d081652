// Labelled controls.  Each knows its path in what is edited, which is also how the server names its errors.
import { el } from "../popup/dom.js";

let count = 0;

/** Wraps a control with its label and the place for what is wrong with it. */
export function labelled(control, path, label, { hidden = false, hint = "" } = {}) {
  control.id = `field-${(count += 1)}`;
  control.dataset.path = path;
  const error = el("p", { className: "error", id: `${control.id}-error`, hidden: true });
  control.setAttribute("aria-describedby", error.id);
  if (hint) control.placeholder = hint;
  const name = el("label", { for: control.id, className: hidden ? "unseen" : "label", textContent: label });
  return el("div", { className: "field" }, name, control, error);
}

/** A line or, with `rows`, a text that grows with what is written. */
export function text(value, change, { rows = 0, className = "", dir = "auto" } = {}) {
  const control = rows ? el("textarea", { rows, className, dir }) : el("input", { type: "text", className, dir });
  control.value = value;
  control.autocomplete = "off";
  control.addEventListener("input", () => {
    change(control.value);
    grow(control);
  });
  if (rows) requestAnimationFrame(() => grow(control));
  return control;
}

export function grow(control) {
  if (control.localName !== "textarea") return;
  control.style.blockSize = "auto";
  control.style.blockSize = `${control.scrollHeight + 2}px`;
}

/** A number that is part of a sentence. */
export function number(value, change, { min, max, step, label }) {
  const control = el("input", { type: "number", className: "blank number", "aria-label": label });
  Object.assign(control, { min, max, step, value, inputMode: "decimal" });
  control.addEventListener("input", () => change(control.value === "" ? null : Number(control.value)));
  return control;
}

/** A choice; `options` are [value, label] pairs. */
export function choice(value, options, change, { className = "", label = "" } = {}) {
  const control = el("select", { className, ...(label ? { "aria-label": label } : {}) });
  control.append(...options.map(([key, name]) => el("option", { value: key, textContent: name })));
  control.value = value;
  control.addEventListener("change", () => change(control.value));
  return control;
}

export function tick(value, label, change) {
  const control = el("input", { type: "checkbox", checked: value });
  control.addEventListener("change", () => change(control.checked));
  return el("label", { className: "tick" }, control, el("span", { textContent: label }));
}

export const button = (label, className, onclick) =>
  el("button", { type: "button", className, textContent: label, onclick });
