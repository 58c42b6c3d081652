// Fairness: of each group of learners, how many are flagged and how many then did not complete.
import { h, s } from "../dashboard/dom.js";
import { plot } from "../dashboard/plot.js";

const LINE = 22;
const TALL = 34;

export class Fairness {
  constructor(risk) {
    Object.assign(this, { risk, page: risk.page, words: risk.words });
    this.node = h("div", { class: "nudge-fairness" });
  }

  open() {
    this.risk.fetch(this, "cases/fairness", "case_waiting_fairness", "case_what_fairness");
  }

  draw({ slices, sentence, as_of: asOf }) {
    const { t, moment } = this.words;
    this.heading = h("h2", { class: "nudge-finding", tabindex: "-1" }, slices.length ? sentence : t("case_fair_none"));
    this.node.replaceChildren(
      h("div", { class: "nudge-bar" }, h("div", {}, h("p", { class: "nudge-question" }, t("case_part_fairness")), this.heading, asOf && h("p", { class: "nudge-small" }, t("case_as_of", { time: moment(asOf) }))), h("div", { class: "nudge-tools" }, this.page.copy())),
      ...(slices.length ? [h("p", { class: "nudge-note" }, t("case_fair_how")), this.legend(), ...slices.map((slice) => this.slice(slice))] : [h("section", { class: "nudge-empty" }, h("p", {}, t("case_fair_none_words")))]),
    );
  }

  legend() {
    const { t } = this.words;
    const key = (name) => h("li", {}, s("svg", { width: 14, height: 14, "aria-hidden": "true" }, this.sign(name, 7, 7)), t(`case_${name}`));
    return h("ul", { class: "nudge-legend" }, ["flagged", "did_not"].map(key));
  }

  /** Flagged is a dot, what came of it a ring: told apart without colour. */
  sign(name, x, y) {
    return s("circle", { class: `nudge-sign-${name}`, cx: x, cy: y, r: name === "flagged" ? 5 : 5.5 });
  }

  slice({ by, by_words: title, rows, abroca, sentence }) {
    const { t, list, number, fine, percent } = this.words;
    const shown = rows.filter(({ hidden }) => !hidden);
    const secret = rows.filter(({ hidden }) => hidden);
    const marks = [];
    const lines = shown.map((row) => {
      const mark = this.mark(row);
      marks.push(mark);
      return h("li", {}, h("div", { class: "nudge-effect-who" }, h("span", {}, row.name), h("small", {}, this.words.n("case_learners", row.n))), h("div", { class: "nudge-effect-cell" }, mark), h("p", { class: "nudge-effect-words" }, row.sentence));
    });
    const known = (value, write) => (value === null || value === undefined ? "–" : write(value));
    return plot(this.risk.plots, {
      name: `fair_${by}`,
      question: title,
      finding: sentence ?? this.finding(shown),
      body: shown.length > 0 && [this.scale(), h("ol", { class: "nudge-effects" }, lines)],
      marks,
      notes: [
        abroca !== null && abroca !== undefined && t("case_abroca", { value: fine(abroca) }),
        secret.length > 0 && t("case_hidden", { list: list(secret.map(({ name }) => name)) }),
      ],
      table: shown.length > 0 && {
        caption: title,
        head: [t("case_group"), t("case_learners_head"), t("case_flagged"), t("case_did_not"), t("case_over"), t("case_interval"), t("case_p"), t("case_auc"), t("case_ece")],
        rows: shown.map((row) => [row.name, number(row.n), percent(row.flagged), percent(row.did_not), this.points(row.difference), t("range_of", { low: this.points(row.low), high: this.points(row.high) }), known(row.p, fine), known(row.auc, fine), known(row.ece, fine)]),
      },
    });
  }

  points(value) {
    return this.words.t("case_points_signed", { points: this.words.gain(value) });
  }

  finding(shown) {
    const { t, list } = this.words;
    const over = shown.filter(({ low }) => low > 0).map(({ name }) => name);
    return over.length ? t("case_over_flagged", { list: list(over) }) : t(shown.length ? "case_no_over" : "case_worked_hidden");
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
    const { flagged, did_not: lost } = row;
    const [low, high] = [row.low, row.high].map((difference) => Math.min(100, Math.max(0, lost + difference)));
    const lines = [row.name, `${t("case_flagged")}: ${percent(flagged)}`, `${t("case_did_not")}: ${percent(lost)}`, row.sentence];
    const label = (value, other) => s("text", { class: "nudge-tick nudge-halo", x: this.at(value), y: 11, "text-anchor": value < other ? "end" : "start" }, percent(value));
    const mark = s(
      "svg",
      { class: `nudge-svg nudge-flags ${row.low > 0 ? "nudge-sure-worse" : ""}`, role: "img", "aria-label": lines.join(". "), height: TALL },
      s("line", { class: "nudge-rule", x1: "0%", x2: "100%", y1: LINE, y2: LINE }),
      s("line", { class: "nudge-between", x1: this.at(low), x2: this.at(high), y1: LINE, y2: LINE }),
      this.sign("did_not", this.at(lost), LINE),
      this.sign("flagged", this.at(flagged), LINE),
      label(flagged, lost),
      flagged !== lost && label(lost, flagged),
    );
    this.risk.page.tip(mark, lines);
    return mark;
  }
}
