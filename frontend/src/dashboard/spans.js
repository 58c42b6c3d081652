// Shares with their intervals, one row each: a dot, a line, and the figure beside it.
import { h, s } from "./dom.js";

const AXIS = 25;

/** One cell: the share in words, drawn on 0 to 100 percent.  Coordinates are percentages, so it fits any width. */
export function span(page, { estimate, low, high }, { tone, label, reference, lines }) {
  const { share } = page.words;
  const at = (value) => `${(page.rtl ? 1 - value : value) * 100}%`;
  const anchor = estimate < 0.06 ? "start" : estimate > 0.94 ? "end" : "middle";
  const mark = s(
    "svg",
    { class: `nudge-span nudge-tone-${tone}`, role: "img", "aria-label": label, height: 36 },
    s("line", { class: "nudge-rule", x1: "0%", x2: "100%", y1: AXIS, y2: AXIS }),
    reference !== undefined && s("line", { class: "nudge-reference", x1: at(reference), x2: at(reference), y1: 0, y2: 36 }),
    s("line", { class: "nudge-range", x1: at(low), x2: at(high), y1: AXIS, y2: AXIS }),
    s("circle", { class: "nudge-dot", cx: at(estimate), cy: AXIS, r: 5 }),
    s("text", { class: "nudge-value", x: at(estimate), y: 13, "text-anchor": anchor }, share(estimate)),
  );
  page.tip(mark, lines);
  return mark;
}

/** The ends and the middle of the scale that a column shares. */
function scale(page) {
  const ends = [
    [0, "start"],
    [0.5, "middle"],
    [1, "end"],
  ];
  return s(
    "svg",
    { class: "nudge-scale", height: 16, "aria-hidden": "true" },
    ends.map(([value, anchor]) =>
      s("text", { class: "nudge-tick", x: `${(page.rtl ? 1 - value : value) * 100}%`, y: 12, "text-anchor": anchor }, page.words.share(value)),
    ),
  );
}

/** A cell without a figure, which says why. */
export const blank = (words) => h("span", { class: "nudge-blank" }, words);

/** Rows of [label node, cell, cell] under column heads, the first for the labels; groups: [{title, rows, note}]. */
export function rows(page, [first, ...heads], groups, ends = scale) {
  return h(
    "div",
    { class: "nudge-rows" },
    h(
      "div",
      { class: "nudge-row nudge-heads" },
      h("span", { class: "nudge-head nudge-head-first" }, first),
      heads.map((head) => h("div", { class: "nudge-head" }, head, ends(page))),
    ),
    groups.map(({ title, rows: lines, note }) =>
      h(
        "div",
        { class: "nudge-group" },
        title && h("h4", { class: "nudge-group-title" }, title),
        h(
          "div",
          { class: "nudge-row nudge-group-heads" },
          heads.map((head) => h("div", { class: "nudge-head" }, head, ends(page))),
        ),
        lines.map(([label, ...cells]) =>
          h(
            "div",
            { class: "nudge-row" },
            h("div", { class: "nudge-row-label" }, label),
            cells.map((cell) => h("div", { class: "nudge-cell" }, cell)),
          ),
        ),
        note && h("p", { class: "nudge-note" }, note),
      ),
    ),
  );
}
