// The limits between tiers over a plot of how likely learners are not to complete: dragged, typed or moved by arrows.
import { max } from "d3-array";
import { scaleLinear } from "d3-scale";
import { fit } from "../communicator/fit.js";
import { fresh, h, s } from "../dashboard/dom.js";
import { plot } from "../dashboard/plot.js";
import { TIERS, badge } from "./tier.js";

const TOP = 30;
const TALL = 150;
const AXIS = 26;
/** Pixels from a limit within which a press takes hold of it. */
const REACH = 12;
/** Percent per bar. */
const BIN = 2;
/** From the lowest. */
const RISING = [...TIERS].reverse();

export class Limits {
  /** limits: percent by tier; histogram: learners at each percent, 0 to 100; changed(): called after every change. */
  constructor(risk, { limits, histogram, tiers }, changed) {
    Object.assign(this, { risk, words: risk.words, histogram, changed, limits: { ...limits } });
    const { t } = this.words;
    this.finding = h("span", { role: "status" });
    this.holder = h("div", { class: "nudge-canvas nudge-limits-canvas" });
    this.edges = Object.fromEntries(RISING.map((name) => [name, this.edge(name)]));
    this.inputs = Object.fromEntries(RISING.map((name) => [name, this.input(name)]));
    this.counts = Object.fromEntries(TIERS.map((name) => [name, h("strong", {})]));
    fit(this.holder, (width) => this.draw(width));
    const rows = RISING.map((name) => {
      const { words, meaning } = tiers.find(({ value }) => value === name);
      const label = fresh("limit");
      this.inputs[name].setAttribute("aria-labelledby", label);
      return h(
        "li",
        { class: `nudge-tier-${name}` },
        h("div", { class: "nudge-bar" }, badge(name, words), this.counts[name]),
        h("span", { class: "nudge-limit-from" }, h("label", { id: label }, t("case_limit_from"), h("span", { class: "nudge-unseen" }, ` ${words}`)), this.inputs[name], h("span", { "aria-hidden": "true" }, "%")),
        h("p", { class: "nudge-small" }, meaning),
      );
    });
    this.node = h(
      "div",
      {},
      plot(risk.plots, {
        name: "limits",
        question: t("case_question_limits"),
        finding: this.finding,
        body: this.holder,
        notes: [t("case_note_limits")],
        table: {
          caption: t("case_question_limits"),
          head: [t("case_head_risk"), t("case_learners_head")],
          rows: Array.from({ length: 20 }, (_, i) => [t("range_of", { low: this.words.percent(i * 5), high: this.words.percent(i === 19 ? 100 : i * 5 + 4) }), this.words.number(this.between(i * 5, i === 19 ? 101 : i * 5 + 5))]),
        },
      }),
      h("ul", { class: "nudge-limits" }, rows),
    );
    this.paint();
  }

  /** Learners from one percent up to, and not at, another. */
  between(from, to) {
    return this.histogram.slice(from, to).reduce((sum, count) => sum + count, 0);
  }

  count(name) {
    const above = TIERS[TIERS.indexOf(name) - 1];
    return this.between(this.limits[name], above ? this.limits[above] : 101);
  }

  /** How far a limit can go: tiers keep their order, and each holds a percent at least. */
  room(name) {
    const place = RISING.indexOf(name);
    return [place ? this.limits[RISING[place - 1]] + 1 : 1, place < 2 ? this.limits[RISING[place + 1]] - 1 : 100];
  }

  set(name, value) {
    const [low, high] = this.room(name);
    this.limits[name] = Math.min(high, Math.max(low, Math.round(value)));
    this.paint();
    this.changed();
  }

  input(name) {
    return h("input", { type: "number", class: "nudge-input nudge-short", min: 1, max: 100, step: 1, inputmode: "numeric", "data-limit": name, onchange: (event) => this.set(name, Number(event.target.value) || this.limits[name]) });
  }

  edge(name) {
    const node = s(
      "g",
      { class: `nudge-limit-edge nudge-tier-${name}`, role: "slider", tabindex: "0", "aria-label": this.words.t("case_limit_of", { tier: this.words.t(`tier_${name}`) }), "aria-orientation": "horizontal", "data-edge": name },
      s("rect", { class: "nudge-brush-target" }),
      s("line", { class: "nudge-limit-line" }),
      s("circle", { class: "nudge-limit-grip", r: 8 }),
    );
    const left = (event) => event.clientX - node.ownerSVGElement.getBoundingClientRect().left;
    node.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      node.setPointerCapture(event.pointerId);
      const from = left(event);
      // Of limits that lie on one another the drag's direction says which is meant.
      this.held = { from, names: RISING.filter((one) => one === name || Math.abs(this.x(this.limits[one]) - from) <= REACH) };
      event.preventDefault();
      node.focus({ focusVisible: false });
    });
    node.addEventListener("pointermove", (event) => this.held && this.drag(left(event)));
    for (const end of ["pointerup", "pointercancel"]) node.addEventListener(end, () => (this.held = null));
    node.addEventListener("keydown", (event) => this.key(event, name));
    return node;
  }

  drag(to) {
    const { held } = this;
    const value = this.x.invert(to);
    if (held.names.length > 1) {
      if (Math.abs(to - held.from) < 2) return;
      held.names = [value > this.x.invert(held.from) ? held.names[held.names.length - 1] : held.names[0]];
    }
    this.set(held.names[0], value);
  }

  key(event, name) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const side = this.risk.rtl ? -1 : 1;
    const step = { ArrowRight: side, ArrowLeft: -side, ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -100, End: 100 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.set(name, this.limits[name] + step);
  }

  draw(width) {
    const side = 12;
    this.width = width;
    this.x = scaleLinear([0, 101], this.risk.rtl ? [width - side, side] : [side, width - side]);
    const base = TOP + TALL;
    const bars = Array.from({ length: Math.ceil(101 / BIN) }, (_, i) => this.between(i * BIN, i * BIN + BIN));
    const y = scaleLinear([0, max(bars) || 1], [base, TOP]);
    const { percent, t } = this.words;
    this.bars = bars.map((count, i) => {
      const [one, other] = [this.x(i * BIN), this.x(Math.min(i * BIN + BIN, 101))];
      return s("rect", { x: Math.min(one, other) + 0.5, width: Math.max(Math.abs(other - one) - 1, 1), y: count ? Math.min(y(count), base - 2) : base, height: count ? Math.max(base - y(count), 2) : 0 });
    });
    this.holder.replaceChildren(
      s(
        "svg",
        { class: "nudge-svg nudge-limits-plot", width, height: base + AXIS, role: "group", "aria-label": t("case_limits_keys") },
        this.bars,
        s("line", { class: "nudge-rule", x1: side, x2: width - side, y1: base + 0.5, y2: base + 0.5 }),
        [0, 25, 50, 75, 100].map((tick) => s("text", { class: "nudge-tick", x: this.x(tick === 100 ? 101 : tick), y: base + 18, "text-anchor": tick === 0 ? "start" : tick === 100 ? "end" : "middle" }, percent(tick))),
        RISING.map((name) => this.edges[name]),
      ),
    );
    this.paint();
  }

  paint() {
    const { n, percent, number } = this.words;
    const counts = Object.fromEntries(TIERS.map((name) => [name, this.count(name)]));
    const words = n("case_limits_found", counts.high, { moderate: number(counts.moderate), marginal: number(counts.marginal) });
    if (this.finding.textContent !== words) this.finding.textContent = words;
    for (const name of TIERS) {
      this.counts[name].textContent = n("case_learners", counts[name]);
      this.inputs[name].value = this.limits[name];
      const [low, high] = this.room(name);
      const edge = this.edges[name];
      for (const [key, value] of [["valuemin", low], ["valuemax", high], ["valuenow", this.limits[name]], ["valuetext", `${percent(this.limits[name])}, ${n("case_learners", counts[name])}`]]) edge.setAttribute(`aria-${key}`, value);
    }
    if (!this.x) return;
    this.bars.forEach((bar, i) => {
      const tier = TIERS.find((name) => i * BIN + BIN > this.limits[name] + BIN / 2) ?? "none";
      bar.setAttribute("class", `nudge-bar-of nudge-tier-${tier}`);
    });
    for (const name of TIERS) {
      const x = this.x(this.limits[name]);
      const [target, line, grip] = this.edges[name].children;
      for (const [key, value] of [["x", x - 12], ["y", 0], ["width", 24], ["height", TOP + TALL]]) target.setAttribute(key, value);
      for (const [key, value] of [["x1", x], ["x2", x], ["y1", 10], ["y2", TOP + TALL]]) line.setAttribute(key, value);
      grip.setAttribute("cx", x);
      grip.setAttribute("cy", 10);
    }
  }
}
