// The chosen, under pseudonyms: however many there are, only the rows in sight exist.
import { h } from "../dashboard/dom.js";
import { FIGURES, NEVER } from "./selection.js";
import { pseudonym } from "./payload.js";
import { Trends, spark } from "./trends.js";

const COLUMNS = ["learner", ...FIGURES, "seen", "progress", "reason"];
const SORTED = [...FIGURES, "seen", "progress"];
/** Rows drawn above and below what is in sight. */
const SPARE = 4;
/** Width from which a learner is one line. */
const WIDE = 720;

export class Table {
  constructor(choice) {
    this.choice = choice;
    this.order = { name: "leave", rising: false };
    this.rows = [];
    this.shown = new Map();
    this.trends = new Trends(choice, () => this.draw());
    const { t } = choice.words;
    this.heads = Object.fromEntries(COLUMNS.map((name) => [name, this.head(name)]));
    this.headings = h("div", { role: "row", class: "nudge-row-of nudge-row-heads" }, Object.values(this.heads));
    this.body = h("div", { role: "rowgroup", class: "nudge-rows" });
    this.scroller = h(
      "div",
      { class: "nudge-scroller", tabindex: "0", role: "table", "aria-label": t("table_chosen"), "aria-colcount": COLUMNS.length },
      h("div", { role: "rowgroup", class: "nudge-rows-heads" }, this.headings),
      this.body,
    );
    this.empty = h("p", { class: "nudge-note" }, t("table_empty"));
    this.sorter = h(
      "select",
      { class: "nudge-input", "aria-label": t("sort_by"), onchange: () => this.sort(...this.sorter.value.split(" ")) },
      SORTED.flatMap((name) => [false, true].map((rising) => h("option", { value: `${name} ${rising ? "rising" : "falling"}` }, t(rising ? "sort_rising" : "sort_falling", { figure: t(name) })))),
    );
    this.node = h(
      "section",
      { class: "nudge-section nudge-section-table", "aria-label": t("table_chosen") },
      h("div", { class: "nudge-bar" }, h("h3", { class: "nudge-finding nudge-minor" }, t("table_chosen")), this.sorter),
      this.empty,
      this.scroller,
      h("p", { class: "nudge-note" }, t("note_table")),
    );
    this.scroller.addEventListener("scroll", () => {
      this.due ??= requestAnimationFrame(() => this.draw());
    });
    choice.fit(this.scroller, (width) => {
      this.wide = width >= WIDE;
      this.scroller.classList.toggle("nudge-cards", !this.wide);
      this.clear();
      this.draw();
    });
    this.sort("leave", "falling");
  }

  head(name) {
    const { t } = this.choice.words;
    const label = name === "learner" || name === "reason" ? t(name) : null;
    const inner = label ?? h("button", { type: "button", class: "nudge-sort", onclick: () => this.sort(name, this.order.name === name && !this.order.rising ? "rising" : "falling") }, t(name));
    return h("div", { role: "columnheader", class: `nudge-cell-of nudge-cell-${name}` }, inner);
  }

  sort(name, way) {
    this.order = { name, rising: way === "rising" };
    this.sorter.value = `${name} ${way}`;
    for (const one of SORTED) {
      const sorted = one === name ? (this.order.rising ? "ascending" : "descending") : "none";
      this.heads[one].setAttribute("aria-sort", sorted);
    }
    if (this.choice.model) this.fill();
  }

  /** Takes in who is chosen now. */
  fill() {
    const { model } = this.choice;
    this.rows = model.rows(this.order.name, this.order.rising);
    // Whose figure is not known comes last, whichever way the rows are sorted.
    const column = this.choice.learners.columns[this.order.name];
    const unknown = (i) => this.order.name !== "seen" && column[i] > 100;
    if (!this.order.rising && this.rows.length && unknown(this.rows[0])) {
      const known = this.rows.findIndex((i) => !unknown(i));
      if (known > 0) this.rows = [...this.rows.slice(known), ...this.rows.slice(0, known)];
    }
    this.empty.hidden = this.rows.length > 0;
    this.scroller.hidden = this.sorter.hidden = !this.rows.length;
    this.scroller.setAttribute("aria-rowcount", this.rows.length + 1);
    this.scroller.scrollTop = 0;
    this.clear();
    this.draw();
  }

  clear() {
    this.shown.clear();
    this.body.replaceChildren();
  }

  get tall() {
    return this.wide ? 48 : 156;
  }

  draw() {
    this.due = null;
    if (this.wide === undefined) return;
    const { tall, rows } = this;
    this.body.style.blockSize = `${rows.length * tall}px`;
    const from = Math.max(0, Math.floor(this.scroller.scrollTop / tall) - SPARE);
    const to = Math.min(rows.length, Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / tall) + SPARE);
    const wanted = new Set();
    for (let place = from; place < to; place += 1) wanted.add(rows[place]);
    for (const [row, node] of this.shown) {
      if (wanted.has(row)) continue;
      node.remove();
      this.shown.delete(row);
    }
    const names = [];
    for (let place = from; place < to; place += 1) {
      const row = rows[place];
      const name = pseudonym(this.choice.learners, row);
      const trend = this.trends.of(name);
      if (!trend) names.push(name);
      const known = this.shown.get(row);
      if (known && known.drawn === Boolean(trend)) continue;
      known?.remove();
      const node = this.line(row, name, trend);
      node.drawn = Boolean(trend);
      node.style.insetBlockStart = `${place * tall}px`;
      node.setAttribute("aria-rowindex", place + 2);
      this.shown.set(row, node);
      this.body.append(node);
    }
    this.trends.want(names);
  }

  line(row, name, trend) {
    const { columns } = this.choice.learners;
    const { t, percent, ago } = this.choice.words;
    const cell = (kind, ...children) => h("div", { role: kind === "learner" ? "rowheader" : "cell", class: `nudge-cell-of nudge-cell-${kind}`, "data-label": SORTED.includes(kind) ? t(kind) : null }, children);
    const share = (value) => (value > 100 ? t("unknown") : percent(value));
    const days = columns.seen[row];
    return h(
      "div",
      { role: "row", class: "nudge-row-of", style: "" },
      cell("learner", h("span", { class: "nudge-who", title: name }, t("learner_name", { name: name.slice(0, 6).toUpperCase() }))),
      FIGURES.map((figure) => cell(figure, h("span", { class: "nudge-figure-now" }, share(columns[figure][row])), spark(this.choice, figure, trend))),
      cell("seen", days === NEVER ? t("never") : ago(days)),
      cell("progress", share(columns.progress[row])),
      cell("reason", this.reason(row)),
    );
  }

  /** Why a learner is at risk, as the risk model says where it finds one, else what stands out. */
  reason(row) {
    const { columns, reasons, tiers, risks } = this.choice.learners;
    if (columns.tier[row]) return this.choice.words.t("at_risk_for", { tier: tiers[columns.tier[row] - 1].words, risk: risks[columns.risk[row] - 1].words });
    return reasons.find((_, place) => columns.reasons[row] & (1 << place))?.words ?? "";
  }
}
