// One tooltip for the whole dashboard: follows the pointer's or the keyboard's mark, can itself be pointed at, and
// goes away on Escape.
import { h } from "./dom.js";

const GAP = 8;

export function tooltip(root) {
  const box = h("div", { class: "nudge-tip", "aria-hidden": "true", hidden: true });
  root.append(box);
  let timer = 0;

  const hide = () => {
    clearTimeout(timer);
    box.hidden = true;
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(hide, 200);
  };
  const show = (mark, lines) => {
    clearTimeout(timer);
    box.replaceChildren(...lines.map((line, i) => h(i ? "span" : "strong", {}, line)));
    box.hidden = false;
    const frame = root.getBoundingClientRect();
    const at = mark.getBoundingClientRect();
    const { offsetWidth: wide, offsetHeight: high } = box;
    const [start, end, top] = [at.left - frame.left, at.right - frame.left, at.top - frame.top];
    const beside = end + GAP + wide < frame.width ? end + GAP : start - GAP - wide;
    const tall = at.height > 2 * high && beside > 0;
    const left = tall ? beside : Math.min((start + end - wide) / 2, frame.width - wide - GAP);
    const above = top - high - GAP > 0 ? top - high - GAP : at.bottom - frame.top + GAP;
    box.style.left = `${Math.max(left, GAP)}px`;
    box.style.top = `${tall ? top + GAP : above}px`;
  };

  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", later);
  root.addEventListener("keydown", (event) => event.key === "Escape" && hide());

  /** Gives a mark a tooltip of lines, the first of them bold. */
  return (mark, lines) => {
    mark.addEventListener("pointerenter", () => show(mark, lines));
    mark.addEventListener("pointerleave", later);
    mark.addEventListener("focus", () => show(mark, lines));
    mark.addEventListener("blur", hide);
  };
}
