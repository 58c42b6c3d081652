// Differences with their intervals, a row each, on one scale around "no difference".
import { max, ticks } from "d3-array";
import { h, s } from "../dashboard/dom.js";

const LINE = 22;
const TALL = 34;

/** Half the width of the scale that holds all of them. */
export const reach = (rows) => (max(rows, ({ low, high }) => Math.max(Math.abs(low), Math.abs(high))) || 1) * 1.08;

/** Says which side of the scale is which, and its middle. */
export function ends(risk, widest, { worse, better, none }, write) {
  const { rtl } = risk;
  const at = (place) => `${(rtl ? 1 - place : place) * 100}%`;
  const tick = ticks(0, widest, 3).filter((one) => one < widest * 0.85).pop();
  const marks = tick ? [-tick, 0, tick] : [0];
  return h(
    "div",
    { class: "nudge-effect-heads", "aria-hidden": "true" },
    h(
      "div",
      { class: "nudge-effect-scale" },
      h("span", {}, worse),
      h("span", {}, better),
      s("svg", { class: "nudge-svg", height: 16 }, marks.map((value) => s("text", { class: "nudge-tick", x: at((value / widest + 1) / 2), y: 12, "text-anchor": "middle" }, value ? write(value) : none))),
    ),
  );
}

/** One difference: a dot, its interval, and the figure above it; `good` tells which side is the better one. */
export function effect(risk, { difference, low, high }, widest, lines, write, good) {
  const at = (value) => {
    const place = (value / widest + 1) / 2;
    return `${(risk.rtl ? 1 - place : place) * 100}%`;
  };
  const sure = low > 0 ? good : high < 0 ? -good : 0;
  // Where a text starts follows the direction of reading, so this holds for both of them.
  const anchor = Math.abs(difference) < widest * 0.8 ? "middle" : difference > 0 ? "end" : "start";
  const mark = s(
    "svg",
    { class: `nudge-svg nudge-effect-of ${sure > 0 ? "nudge-sure-better" : sure < 0 ? "nudge-sure-worse" : ""}`, role: "img", "aria-label": lines.join(". "), height: TALL },
    s("line", { class: "nudge-rule", x1: "0%", x2: "100%", y1: LINE, y2: LINE }),
    s("line", { class: "nudge-zero", x1: at(0), x2: at(0), y1: 0, y2: TALL }),
    s("line", { class: "nudge-range", x1: at(low), x2: at(high), y1: LINE, y2: LINE }),
    s("circle", { class: "nudge-dot", cx: at(difference), cy: LINE, r: 5 }),
    s("text", { class: "nudge-value", x: at(difference), y: 12, "text-anchor": anchor }, write(difference)),
  );
  risk.page.tip(mark, lines);
  return mark;
}
