// What every plot has: a question, the finding as its title, marks to walk through by keyboard, and a table with
// the same numbers one key away.
import { fresh, h } from "./dom.js";

/**
 * A section of the dashboard.
 * name: for the address; question and finding: texts; body: nodes; marks: focusable nodes in reading order;
 * table: {caption, head: [text], rows: [[text]]}; notes: texts under the plot; tools: nodes beside the question;
 * inner: whether it is part of another section.
 */
export function plot(page, { name, question, finding, body, marks = [], table, notes = [], tools = [], inner = false }) {
  const { t } = page.words;
  const title = fresh("title");
  const panel = fresh("table");
  const open = page.state.tables.has(name);
  const drawing = h("div", { class: "nudge-drawing", hidden: open }, body);
  // Focusable, as it scrolls sideways where the screen is narrow.
  const region = { class: "nudge-figures", id: panel, hidden: !open, tabindex: "0", role: "group", "aria-labelledby": title };
  const figures = table && h("div", region, tabulate(table));
  const button =
    table &&
    h(
      "button",
      {
        type: "button",
        class: "nudge-button nudge-quiet",
        "aria-expanded": String(open),
        "aria-controls": panel,
        "aria-keyshortcuts": "T",
        "data-table": name,
        onclick: () => toggle(),
      },
      t(open ? "show_plot" : "show_table"),
    );

  function toggle() {
    const now = figures.hidden;
    const within = drawing.contains(page.focused());
    figures.hidden = !now;
    drawing.hidden = now;
    button.setAttribute("aria-expanded", String(now));
    button.textContent = t(now ? "show_plot" : "show_table");
    page.state.tables[now ? "add" : "delete"](name);
    page.keep();
    if (within) figures.focus();
  }

  const section = h(
    inner ? "div" : "section",
    { class: `nudge-section nudge-section-${name}`, role: inner && "group", "aria-labelledby": title },
    h("div", { class: "nudge-bar" }, h("p", { class: "nudge-question" }, question), h("div", { class: "nudge-tools" }, tools, button)),
    h(inner ? "h5" : "h3", { class: "nudge-finding", id: title }, finding),
    drawing,
    figures,
    notes.filter(Boolean).map((note) => h("p", { class: "nudge-note" }, note)),
  );
  section.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=radio]), select, textarea") || event.ctrlKey || event.metaKey || event.altKey;
    if (table && !typing && event.key.toLowerCase() === "t") {
      event.preventDefault();
      toggle();
    }
  });
  walk(marks, page.rtl);
  return section;
}

function tabulate({ caption, head, rows }) {
  return h(
    "table",
    {},
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, head.map((cell) => h("th", { scope: "col" }, cell)))),
    h(
      "tbody",
      {},
      rows.map(([first, ...rest]) =>
        h("tr", {}, h("th", { scope: "row" }, first), rest.map((cell) => h("td", {}, cell))),
      ),
    ),
  );
}

/** Makes marks one stop of the Tab key; the arrows, Home and End move between them. */
export function walk(marks, rtl) {
  marks.forEach((mark, i) => {
    mark.setAttribute("tabindex", i ? "-1" : "0");
    mark.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1, ArrowDown: 1, ArrowUp: -1 };
      const target = { Home: 0, End: marks.length - 1 }[event.key] ?? i + (steps[event.key] ?? 0);
      if (target === i || !marks[target]) return;
      event.preventDefault();
      mark.setAttribute("tabindex", "-1");
      marks[target].setAttribute("tabindex", "0");
      marks[target].focus();
    });
  });
}
