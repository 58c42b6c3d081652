// A range of whole percent, chosen by dragging across a plot or by the two sliders at its edges.
import { s } from "../dashboard/dom.js";

/** Pixels from an edge within which a drag takes hold of it. */
const REACH = 14;
/** Pixels after which a press is a drag. */
const SLACK = 4;

const clamp = (value) => Math.min(100, Math.max(0, value));

/**
 * The brush over a plot.
 * get(): the range or null; set(range): chooses; click(value): a press without a drag; labels: of the two edges;
 * value(edge, number): what is spoken of it; rtl: whether 0 is at the right.
 */
export class Brush {
  constructor({ get, set, click, labels, value, rtl }) {
    Object.assign(this, { get, set, click, value, rtl });
    this.band = s("rect", { class: "nudge-brush-band", rx: 2 });
    this.edges = labels.map((label, edge) => this.edge(label, edge));
    this.sheet = s("rect", { class: "nudge-brush-sheet" });
    this.node = s("g", { class: "nudge-brush" }, this.sheet, this.band, this.edges);
    this.node.addEventListener("pointerdown", (event) => this.start(event));
    this.node.addEventListener("pointermove", (event) => this.move(event));
    this.node.addEventListener("pointerup", (event) => this.end(event));
    this.node.addEventListener("pointercancel", () => this.cancel());
  }

  edge(label, place) {
    const slider = { role: "slider", tabindex: "0", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, "aria-orientation": "horizontal" };
    const node = s(
      "g",
      { class: "nudge-brush-edge", ...slider },
      s("rect", { class: "nudge-brush-target" }),
      s("line", { class: "nudge-brush-line" }),
      s("rect", { class: "nudge-brush-grip", rx: 4 }),
    );
    node.addEventListener("keydown", (event) => this.key(event, place));
    return node;
  }

  /** Fits the brush to its plot: x(percent) in pixels, and the plot's top and bottom. */
  fit(x, top, bottom) {
    Object.assign(this, { x, top, bottom });
    const [start, end] = [x(0), x(101)];
    this.place(this.sheet, Math.min(start, end), top, Math.abs(end - start), bottom - top);
    this.paint();
  }

  place(node, x, y, width, height) {
    node.setAttribute("x", x);
    node.setAttribute("y", y);
    node.setAttribute("width", Math.max(width, 0));
    node.setAttribute("height", Math.max(height, 0));
  }

  paint() {
    const range = this.get();
    const [low, high] = range ?? [0, 100];
    const at = [this.x(low), this.x(high + 1)];
    this.band.setAttribute("visibility", range ? "visible" : "hidden");
    this.place(this.band, Math.min(...at), this.top, Math.abs(at[1] - at[0]), this.bottom - this.top);
    this.edges.forEach((edge, place) => {
      const [target, line, grip] = edge.children;
      const value = place ? high : low;
      const middle = (this.top + this.bottom) / 2;
      this.place(target, at[place] - 12, this.top, 24, this.bottom - this.top);
      this.place(grip, at[place] - 4, middle - 14, 8, 28);
      for (const [name, number] of [["x1", at[place]], ["x2", at[place]], ["y1", this.top], ["y2", this.bottom]]) line.setAttribute(name, number);
      edge.setAttribute("aria-valuenow", value);
      edge.setAttribute("aria-valuetext", this.value(place, value));
      edge.classList.toggle("nudge-brush-free", !range);
    });
  }

  // By pointer

  at(event) {
    const left = event.clientX - this.sheet.ownerSVGElement.getBoundingClientRect().left;
    const [start, end] = [this.x(0), this.x(101)];
    return clamp(Math.floor(((left - start) / (end - start)) * 101));
  }

  start(event) {
    if (event.button) return;
    const value = this.at(event);
    const range = this.get();
    const left = event.clientX - this.sheet.ownerSVGElement.getBoundingClientRect().left;
    const [low, high] = range ?? [0, 100];
    const far = [Math.abs(left - this.x(low)), Math.abs(left - this.x(high + 1))];
    const nearest = far[0] <= far[1] ? 0 : 1;
    const within = range && value > low && value < high;
    const kind = far[nearest] <= REACH ? "edge" : within ? "move" : "new";
    // An edge stays hold of from its other end, which a drag may pass.
    const anchor = kind === "edge" ? (nearest ? low : high) : value;
    this.drag = { kind, anchor, from: event.clientX, value, range, moved: false };
    this.node.setPointerCapture(event.pointerId);
    event.preventDefault();
    this.edges[nearest].focus({ preventScroll: true, focusVisible: false });
  }

  move(event) {
    const { drag } = this;
    if (!drag) return;
    drag.moved ||= Math.abs(event.clientX - drag.from) > SLACK;
    if (!drag.moved) return;
    const value = this.at(event);
    if (drag.kind === "move") {
      const [low, high] = drag.range;
      const step = Math.min(100 - high, Math.max(-low, value - drag.value));
      this.set([low + step, high + step]);
    } else this.set(value < drag.anchor ? [value, drag.anchor] : [drag.anchor, value]);
  }

  end() {
    const { drag } = this;
    this.drag = null;
    if (drag && !drag.moved && drag.kind !== "edge") this.click(drag.value);
  }

  /** The finger went on to scroll the page: what it began is undone. */
  cancel() {
    if (this.drag?.moved) this.set(this.drag.range);
    this.drag = null;
  }

  // By keyboard

  key(event, place) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [low, high] = this.get() ?? [0, 100];
    const now = place ? high : low;
    const side = this.rtl ? -1 : 1;
    const steps = { ArrowRight: side, ArrowLeft: -side, ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -100, End: 100 };
    if (event.key === "Escape" || event.key === "Delete") this.set(null);
    else if (steps[event.key]) {
      const wanted = clamp(now + steps[event.key]);
      this.set(place ? [low, Math.max(low, wanted)] : [Math.min(high, wanted), high]);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
