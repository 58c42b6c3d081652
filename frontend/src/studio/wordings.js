// The message's wordings: tabs to go between them, and the card as the form to write each in.
import { el } from "../popup/dom.js";
import { button, labelled, text as line } from "./fields.js";

export const EMPTY = { heading: "", body: "", action_label: "", action_url: "" };

export const letter = (index) => String.fromCharCode(65 + index);
const named = (template, index) => template.replace("%(letter)s", letter(index));

/** The row of tabs.  `form.current` is the wording that is open. */
export function tabs(form) {
  const { fields, text } = form;
  const open = (index) => {
    form.current = index;
    form.drawWordings();
    form.root.querySelector(`[data-tab="${index}"]`).focus();
  };
  const made = fields.variants.map((variant, index) => {
    const tab = el("button", {
      type: "button",
      role: "tab",
      className: "tab",
      id: `tab-${index}`,
      "data-tab": index,
      "aria-selected": String(index === form.current),
      "aria-controls": "wording",
      tabIndex: index === form.current ? 0 : -1,
      textContent: named(text.wording, index),
      onclick: () => open(index),
    });
    tab.addEventListener("keydown", (event) => {
      const rtl = getComputedStyle(tab).direction === "rtl";
      const step = { ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      open((index + step + fields.variants.length) % fields.variants.length);
    });
    return tab;
  });
  return el(
    "div",
    { className: "tabs" },
    el("div", { role: "tablist", className: "tablist", "aria-label": text.wordings }, ...made),
    button(text.add, "link", () => {
      fields.variants.push({ ...fields.variants[form.current] });
      form.changed();
      open(fields.variants.length - 1);
    }),
  );
}

/** What can be done with a wording as a whole, where there are several. */
function tools(form) {
  const { fields, text } = form;
  const at = form.current;
  const move = (to) => {
    const [moved] = fields.variants.splice(at, 1);
    fields.variants.splice(to, 0, moved);
    form.current = to;
    form.changed();
    form.drawWordings();
  };
  const remove = () => {
    const [removed] = fields.variants.splice(at, 1);
    form.current = Math.max(0, at - 1);
    form.changed();
    form.drawWordings();
    form.offer(named(text.removed, at), text.undo, () => {
      fields.variants.splice(at, 0, removed);
      form.current = at;
      form.changed();
      form.drawWordings();
    });
  };
  const earlier = button(text.earlier, "link", () => move(at - 1));
  const later = button(text.later, "link", () => move(at + 1));
  earlier.disabled = at === 0;
  later.disabled = at === fields.variants.length - 1;
  return el("div", { className: "tools" }, earlier, later, button(text.remove, "link", remove));
}

/** The card to write in: what is fixed looks as it will, what can be written is where it will stand. */
export function editor(form) {
  const { fields, text } = form;
  const variant = fields.variants[form.current];
  const path = (name) => `variants.${form.current}.${name}`;
  const set = (name) => (value) => {
    variant[name] = value;
    form.changed();
  };
  const write = (name, options = {}) =>
    labelled(line(variant[name], set(name), { className: `write ${name}`, dir: "auto", ...options }), path(name), text[name], {
      hidden: name === "heading" || name === "body",
      hint: text[`${name}_hint`],
    });
  const still = (className, ...words) =>
    el("div", { className, "aria-hidden": "true" }, ...words.map((word) => el("span", { textContent: word })));
  return el(
    "div",
    {
      id: "wording",
      className: "wording",
      ...(fields.variants.length > 1 ? { role: "tabpanel", "aria-labelledby": `tab-${form.current}` } : {}),
    },
    el(
      "div",
      { className: "card" },
      write("heading"),
      write("body", { rows: 2 }),
      el("div", { className: "action" }, write("action_label"), write("action_url", { dir: "ltr" })),
      still("reply", text.question, text.yes, text.no),
      still("foot", text.not_now, text.fewer),
    ),
    fields.variants.length > 1 ? tools(form) : null,
  );
}
