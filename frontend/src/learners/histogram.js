// How one figure is spread among the learners, with a brush that chooses a range of it.
import { max } from "d3-array";
import { scaleLinear } from "d3-scale";
import { fresh, h, s } from "../dashboard/dom.js";
import { Brush } from "./brush.js";
import { BIN, BINS } from "./model.js";

const TOP = 16;
const AXIS = 24;

/** From and to of a bar, in whole percent; the last one is a percent wider. */
const reach = (bar) => [bar * BIN, bar === BINS - 1 ? 100 : bar * BIN + BIN - 1];

/** Bars that stand on `base`, as one path; a learner who is there is seen, however many others there are. */
function bars(counts, x, y, base) {
  let path = "";
  counts.forEach((count, i) => {
    if (!count) return;
    const [start, end] = [x(i * BIN), x(i === BINS - 1 ? 101 : i * BIN + BIN)];
    const gap = Math.sign(end - start);
    path += `M${start + gap / 2},${base}V${Math.min(y(count), base - 2)}H${end - gap / 2}V${base}Z`;
  });
  return path;
}

/** One figure.  `choice` is the screen; tone names its colour, tall is the height of its bars. */
export class Histogram {
  constructor(choice, { name, tone, tall = 120, heading = "h3" }) {
    Object.assign(this, { choice, name, tone, tall });
    const { t } = choice.words;
    const [title, called, clip, panel] = [fresh("title"), fresh("called"), fresh("clip"), fresh("figures")];
    // A button is called by its own word and by the figure that it is about.
    const about = (word, attributes, text) => {
      const id = fresh(word);
      return h("button", { type: "button", class: "nudge-button nudge-quiet", id, "aria-labelledby": `${id} ${called}`, ...attributes }, text);
    };
    this.everyone = s("path", { class: "nudge-bars-all" });
    this.fitting = s("path", { class: "nudge-bars-fitting" });
    this.taken = s("path", { class: `nudge-bars-taken nudge-tone-${tone}`, "clip-path": `url(#${clip})` });
    this.clip = s("rect", {});
    this.axis = s("g", {});
    this.brush = new Brush({
      get: () => choice.range(name),
      set: (range) => choice.move(name, range),
      click: (value) => choice.move(name, reach(Math.min(Math.floor(value / BIN), BINS - 1))),
      labels: [t("from_of", { figure: t(name) }), t("to_of", { figure: t(name) })],
      value: (edge, value) => this.edgeWords(edge, value),
      rtl: choice.rtl,
    });
    this.plot = s(
      "svg",
      { class: "nudge-svg nudge-histogram", role: "group", "aria-label": t("brush_keys") },
      s("defs", {}, s("clipPath", { id: clip }, this.clip)),
      this.axis,
      this.everyone,
      this.fitting,
      this.taken,
      this.brush.node,
    );
    this.said = h("span", { class: "nudge-range-words" });
    this.free = about("any", { onclick: () => this.clear() }, t("any"));
    this.holder = h("div", { class: "nudge-plot-holder" }, this.plot);
    this.figures = h("div", { class: "nudge-figures", id: panel, hidden: true, tabindex: "0", role: "group", "aria-labelledby": title });
    this.switch = about("table", { "aria-expanded": "false", "aria-controls": panel, "aria-keyshortcuts": "T", onclick: () => this.toggle() }, t("show_table"));
    this.node = h(
      "div",
      { class: `nudge-figure nudge-figure-${name}`, role: "group", "aria-labelledby": title },
      h("div", { class: "nudge-figure-head" }, h(heading, { class: "nudge-figure-title", id: title }, h("span", { class: "nudge-question", id: called }, t(name)), this.finding()), this.switch),
      h("p", { class: "nudge-range-line" }, this.said, this.free),
      this.holder,
      this.figures,
    );
    this.node.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "t" || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.toggle();
    });
    choice.fit(this.holder, (width) => this.draw(width));
  }

  finding() {
    const { t, percent } = this.choice.words;
    const middle = this.choice.model.middle(this.name);
    return h("span", { class: "nudge-figure-finding" }, middle === null ? t("unknown_to_all") : t(`middle_${this.name}`, { share: percent(middle) }));
  }

  draw(width) {
    const { rtl, words, model } = this.choice;
    const base = TOP + this.tall;
    this.base = base;
    this.plot.setAttribute("viewBox", `0 0 ${width} ${base + AXIS}`);
    this.plot.setAttribute("height", base + AXIS);
    const side = 10;
    this.x = scaleLinear([0, 101], rtl ? [width - side, side] : [side, width - side]);
    const everybody = model.everybody[this.name];
    this.y = scaleLinear([0, Math.max(max(everybody), 1)], [base, TOP]);
    this.everyone.setAttribute("d", bars(everybody, this.x, this.y, base));
    const ticks = width < 260 ? [0, 50, 100] : [0, 25, 50, 75, 100];
    const peak = max(everybody);
    this.axis.replaceChildren(
      s("line", { class: "nudge-rule", x1: side, x2: width - side, y1: base + 0.5, y2: base + 0.5 }),
      ...ticks.map((tick) => {
        const at = tick === 0 ? "start" : tick === 100 ? "end" : "middle";
        const anchor = rtl && at !== "middle" ? (at === "start" ? "end" : "start") : at;
        // Text that is anchored in an SVG of the other direction starts at its right.
        const flipped = rtl && anchor !== "middle" ? (anchor === "start" ? "end" : "start") : anchor;
        return s("text", { class: "nudge-tick", x: this.x(tick === 100 ? 101 : tick), y: base + 18, "text-anchor": flipped }, words.percent(tick));
      }),
      peak > 0 && s("text", { class: "nudge-caption", x: this.x(everybody.indexOf(peak) * BIN + BIN / 2), y: TOP - 5, "text-anchor": "middle" }, words.number(peak)),
    );
    this.brush.fit(this.x, TOP, base);
    this.paint();
  }

  /** Draws what is chosen; called once a frame while a brush moves. */
  paint() {
    if (!this.x) return;
    const { model } = this.choice;
    const range = this.choice.range(this.name);
    const spread = model.chosen || range ? model.spread(this.name) : [];
    const [low, high] = range ?? [0, 100];
    const path = bars(spread, this.x, this.y, this.base);
    const at = [this.x(low), this.x(high + 1)];
    this.fitting.setAttribute("d", path);
    this.taken.setAttribute("d", path);
    this.clip.setAttribute("x", Math.min(...at));
    this.clip.setAttribute("width", Math.abs(at[1] - at[0]));
    this.clip.setAttribute("y", 0);
    this.clip.setAttribute("height", this.base);
    this.said.textContent = this.words(range);
    this.free.hidden = !range;
    this.brush.paint();
  }

  words(range) {
    const { t, percent } = this.choice.words;
    return range ? t("range_of", { low: percent(range[0]), high: percent(range[1]) }) : t("any_figure");
  }

  edgeWords(edge, value) {
    const { t, n, percent } = this.choice.words;
    if (!this.choice.range(this.name)) return t("no_limit");
    return [percent(value), n("chosen_count", this.choice.model.chosen)].join(", ");
  }

  clear() {
    this.choice.move(this.name, null);
    this.brush.edges[0].focus();
  }

  toggle() {
    const open = this.figures.hidden;
    const within = this.holder.contains(this.choice.focused());
    this.figures.hidden = !open;
    this.holder.hidden = open;
    this.switch.setAttribute("aria-expanded", String(open));
    this.switch.textContent = this.choice.words.t(open ? "show_plot" : "show_table");
    this.tabulate();
    if (within) this.figures.focus();
  }

  /** The plot's numbers as a table, where it is open. */
  tabulate() {
    if (this.figures.hidden) return;
    const { model } = this.choice;
    const { t, number, percent } = this.choice.words;
    const [all, chosen] = [model.everybody[this.name], model.inside(this.name)];
    const row = (i) => {
      const [low, high] = reach(i);
      return h("tr", {}, h("th", { scope: "row" }, t("range_of", { low: percent(low), high: percent(high) })), h("td", {}, number(chosen[i])), h("td", {}, number(all[i])));
    };
    this.figures.replaceChildren(
      h(
        "table",
        {},
        h("caption", {}, t("table_of", { figure: t(this.name) })),
        h("thead", {}, h("tr", {}, [t(this.name), t("chosen"), t("everyone_in_course")].map((head) => h("th", { scope: "col" }, head)))),
        h("tbody", {}, all.map((_, i) => row(i))),
      ),
    );
  }
}
