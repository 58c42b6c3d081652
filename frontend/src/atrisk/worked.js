// What worked: what became of learners who got help, beside comparable ones who did not.
import { h } from "../dashboard/dom.js";
import { plot } from "../dashboard/plot.js";
import { effect, ends, reach } from "./effects.js";
import { badge } from "./tier.js";

/** What is looked at afterwards, and on which side the better outcome lies. */
const OUTCOMES = { seen: 1, risk: -1, completed: 1 };

const kind = ({ tier, intervention }) => `${tier} ${intervention}`;

export class Worked {
  constructor(risk) {
    Object.assign(this, { risk, page: risk.page, words: risk.words });
    this.node = h("div", { class: "nudge-worked" });
  }

  open() {
    this.risk.fetch(this, "cases/worked", "case_waiting_worked", "case_what_worked");
  }

  draw({ rows, assumption }) {
    const { t } = this.words;
    this.heading = h("h2", { class: "nudge-finding", tabindex: "-1" }, t("case_part_worked"));
    const kinds = Object.keys(OUTCOMES).filter((outcome) => rows.some((row) => row.outcome === outcome));
    const empty = h("section", { class: "nudge-empty" }, h("h3", { class: "nudge-finding nudge-minor" }, t("case_worked_none")), h("p", {}, t("case_worked_none_words")));
    const told = rows.length > 0 && h("p", { class: "nudge-assumption" }, h("strong", {}, t("case_assumption")), " ", assumption);
    this.node.replaceChildren(h("div", { class: "nudge-bar" }, this.heading, h("div", { class: "nudge-tools" }, this.page.copy())), ...(told ? [told] : []), ...(kinds.length ? kinds.map((outcome) => this.section(outcome, rows.filter((row) => row.outcome === outcome))) : [empty]));
  }

  /** A difference as its outcome is written: points of risk, or of a share. */
  written(value) {
    return this.words.t("case_points_signed", { points: this.words.gain(value) });
  }

  section(outcome, rows) {
    const { t, n, number, list } = this.words;
    const good = OUTCOMES[outcome];
    // Of each kind of help all reasons come first, as one.
    const kinds = [...new Set(rows.map(kind))];
    const place = (row) => 2 * kinds.indexOf(kind(row)) + (row.group !== "all");
    const shown = rows.filter(({ hidden }) => !hidden).sort((one, other) => place(one) - place(other));
    const secret = rows.filter(({ hidden }) => hidden);
    const widest = reach(shown);
    const write = (value) => this.written(value);
    const sure = shown.filter(({ low, high }) => low > 0 || high < 0);
    const marks = [];
    const lines = shown.map((row) => {
      const name = this.name(row);
      const mark = effect(this.risk, row, widest, [name, row.sentence], write, good);
      marks.push(mark);
      return h(
        "li",
        {},
        h("div", { class: "nudge-effect-who" }, badge(row.tier, row.words), h("small", {}, row.group_words)),
        h("div", { class: "nudge-effect-cell" }, mark),
        h("p", { class: "nudge-effect-words" }, row.sentence),
      );
    });
    const sides = { worse: t(`case_worse_${outcome}`), better: t(`case_better_${outcome}`), none: t("no_difference") };
    const [low, high] = good > 0 ? [sides.worse, sides.better] : [sides.better, sides.worse];
    return plot(this.risk.plots, {
      name: `worked_${outcome}`,
      question: t(`case_outcome_${outcome}`),
      finding: !shown.length ? t("case_worked_hidden") : sure.length ? n("case_worked_some", sure.length, { all: number(shown.length), list: list(sure.map((row) => this.name(row))) }) : t("case_worked_unsure"),
      body: shown.length > 0 && [ends(this.risk, widest, { worse: low, better: high, none: sides.none }, write), h("ol", { class: "nudge-effects" }, lines)],
      marks,
      notes: [secret.length > 0 && t("case_hidden", { list: list(secret.map((row) => this.name(row))) })],
      table: shown.length > 0 && {
        caption: t(`case_outcome_${outcome}`),
        head: [t("case_help"), t("case_with"), t("case_without"), t("case_difference"), t("case_interval"), t("case_n_with"), t("case_n_without")],
        rows: shown.map((row) => [this.name(row), this.level(row, row.with), this.level(row, row.without), write(row.difference), t("range_of", { low: write(row.low), high: write(row.high) }), number(row.n_with), number(row.n_without)]),
      },
    });
  }

  level({ outcome }, value) {
    return outcome === "risk" ? this.written(value) : this.words.percent(value);
  }

  name(row) {
    const { t } = this.words;
    return t("case_help_for", { help: row.words, tier: t(`tier_${row.tier}`), group: row.group_words });
  }
}
