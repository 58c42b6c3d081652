// One tooltip for the whole dashboard: follows the pointer's or the keyboard's mark, can itself be pointed at, and
// goes away on Escape.
import { h } from "./dom.js";

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
    const wide = box.offsetWidth;
    const left = Math.min(Math.max(at.left + at.width / 2 - wide / 2 - frame.left, 4), frame.width - wide - 4);
    const above = at.top - frame.top - box.offsetHeight - 8;
    box.style.left = `${Math.max(left, 4)}px`;
    box.style.top = `${above > 0 ? above : at.bottom - frame.top + 8}px`;
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
