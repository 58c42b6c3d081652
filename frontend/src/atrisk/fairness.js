// Fairness: of learners who completed, how many had been flagged, group by group, beside everyone else.
import { h, s } from "../dashboard/dom.js";
import { plot } from "../dashboard/plot.js";

const LINE = 22;
const TALL = 34;

const known = (value) => value !== null && value !== undefined;

export class Fairness {
  constructor(risk) {
    Object.assign(this, { risk, page: risk.page, words: risk.words });
    this.node = h("div", { class: "nudge-fairness" });
  }

  open() {
    this.risk.fetch(this, "cases/fairness", "case_waiting_fairness", "case_what_fairness");
  }

  draw({ slices, sentence, as_of: asOf, run }) {
    const { t, weekday } = this.words;
    this.heading = h("h2", { class: "nudge-finding", tabindex: "-1" }, slices.length ? sentence : t("case_fair_none"));
    this.node.replaceChildren(
      h("div", { class: "nudge-bar" }, h("div", {}, h("p", { class: "nudge-question" }, t("case_part_fairness")), this.heading, asOf && h("p", { class: "nudge-small" }, t("case_fair_as_of", { day: weekday(asOf), run }))), h("div", { class: "nudge-tools" }, this.page.copy())),
      ...(slices.length ? [h("p", { class: "nudge-note" }, t("case_fair_how")), this.legend(), ...slices.map((slice) => this.slice(slice))] : [h("section", { class: "nudge-empty" }, h("p", {}, t("case_fair_none_words")))]),
    );
  }

  legend() {
    const { t } = this.words;
    const key = (name) => h("li", {}, s("svg", { width: 14, height: 14, "aria-hidden": "true" }, this.sign(name, 7, 7)), t(`case_${name}`));
    return h("ul", { class: "nudge-legend" }, ["wrongly", "wrongly_others"].map(key));
  }

  /** The group is a dot, everyone else a ring: told apart without colour. */
  sign(name, x, y) {
    return s("circle", { class: `nudge-sign-${name}`, cx: x, cy: y, r: name === "wrongly" ? 5 : 5.5 });
  }

  slice({ by, by_words: title, rows, abroca, sentence }) {
    const { t, n, list, number, fine, percent } = this.words;
    const shown = rows.filter(({ hidden }) => !hidden);
    const secret = rows.filter(({ hidden }) => hidden);
    const marks = [];
    const lines = shown.map((row) => {
      const mark = known(row.difference) && this.mark(row);
      if (mark) marks.push(mark);
      return h("li", {}, h("div", { class: "nudge-effect-who" }, h("span", {}, row.name), h("small", {}, n("case_learners", row.n))), h("div", { class: "nudge-effect-cell" }, mark), h("p", { class: "nudge-effect-words" }, row.sentence));
    });
    const or = (value, write) => (known(value) ? write(value) : "–");
    const points = (value) => t("case_points_signed", { points: this.words.gain(value) });
    const cells = (row) => [
      row.name,
      number(row.n),
      or(row.wrongly, percent),
      or(row.wrongly_others, percent),
      or(row.difference, points),
      known(row.low) ? t("range_of", { low: points(row.low), high: points(row.high) }) : "–",
      or(row.p, fine),
      or(row.flagged, percent),
      or(row.did_not, percent),
      or(row.auc, fine),
      or(row.ece, fine),
    ];
    const heads = ["group", "learners_head", "wrongly", "wrongly_others", "difference", "interval", "p", "flagged", "did_not", "auc", "ece"];
    return plot(this.risk.plots, {
      name: `fair_${by}`,
      question: title,
      finding: sentence,
      body: shown.length > 0 && [this.scale(), h("ol", { class: "nudge-effects" }, lines)],
      marks,
      notes: [known(abroca) && t("case_abroca", { value: fine(abroca) }), secret.length > 0 && t("case_hidden", { list: list(secret.map(({ name }) => name)) })],
      table: shown.length > 0 && { caption: title, head: heads.map((head) => t(`case_${head}`)), rows: shown.map(cells) },
    });
  }

  at(share) {
    return `${this.risk.rtl ? 100 - share : share}%`;
  }

  scale() {
    const tick = (share, anchor) => s("text", { class: "nudge-tick", x: this.at(share), y: 12, "text-anchor": anchor }, this.words.percent(share));
    return h("div", { class: "nudge-effect-heads", "aria-hidden": "true" }, h("div", { class: "nudge-effect-scale" }, s("svg", { class: "nudge-svg", height: 16 }, tick(0, "start"), tick(50, "middle"), tick(100, "end"))));
  }

  mark(row) {
    const { t, percent } = this.words;
    const { wrongly: mine, wrongly_others: others, over } = row;
    const [low, high] = [row.low, row.high].map((difference) => Math.min(100, Math.max(0, others + difference)));
    const lines = [row.name, `${t("case_wrongly")}: ${percent(mine)}`, `${t("case_wrongly_others")}: ${percent(others)}`, row.sentence];
    const label = (value, other) => s("text", { class: "nudge-tick nudge-halo", x: this.at(value), y: 11, "text-anchor": value < other ? "end" : "start" }, percent(value));
    const mark = s(
      "svg",
      { class: `nudge-svg nudge-flags ${over ? "nudge-sure-worse" : ""}`, role: "img", "aria-label": lines.join(". "), height: TALL },
      s("line", { class: "nudge-rule", x1: "0%", x2: "100%", y1: LINE, y2: LINE }),
      s("line", { class: "nudge-between", x1: this.at(low), x2: this.at(high), y1: LINE, y2: LINE }),
      this.sign("wrongly_others", this.at(others), LINE),
      this.sign("wrongly", this.at(mine), LINE),
      label(mine, others),
      mine !== others && label(others, mine),
    );
    this.risk.page.tip(mark, lines);
    return mark;
  }
}
