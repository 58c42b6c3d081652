// What became of one letter, learner by learner, and why each of them was meant.
import { h } from "../dashboard/dom.js";

export class Deliveries {
  constructor(sent, panel) {
    Object.assign(this, { page: sent.page, words: sent.words, panel });
  }

  async load(letter) {
    const { t } = this.words;
    this.panel.replaceChildren(this.page.waiting(t("waiting_deliveries")));
    try {
      const found = await this.page.ask(`letters/${letter.id}/deliveries`);
      const rows = found.deliveries ?? found.results ?? found;
      this.panel.replaceChildren(rows.length ? this.table(letter, rows) : h("p", { class: "nudge-note" }, t("nobody_got_it")));
    } catch (error) {
      this.panel.replaceChildren(this.page.failed(error, t("what_deliveries"), t("kept_letters"), () => this.load(letter)));
    }
  }

  table(letter, rows) {
    const { t, moment } = this.words;
    const heads = ["learner", "what_became", "why_chosen", "when_sent", "opened", "clicked"];
    const time = (value) => (value ? moment(value) : "–");
    return h(
      "div",
      { class: "nudge-figures", tabindex: "0", role: "group", "aria-label": t("who_got_it") },
      h(
        "table",
        {},
        h("caption", {}, letter.subject),
        h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, t(name))))),
        h(
          "tbody",
          {},
          rows.map((row) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, t("learner_name", { name: row.learner.slice(0, 6).toUpperCase() })),
              h("td", {}, [t(`became_${row.state}`), row.reason].filter(Boolean).join(": ")),
              h("td", {}, this.why(row.why)),
              h("td", {}, time(row.sent_at ?? row.at)),
              h("td", {}, time(row.opened_at)),
              h("td", {}, time(row.clicked_at)),
            ),
          ),
        ),
      ),
    );
  }

  /** The figures by which the selection held a learner. */
  why(figures) {
    const { t, percent, number } = this.words;
    if (!figures || typeof figures === "string") return figures ?? "";
    const told = ([name, value]) => (["pass", "complete", "leave", "progress"].includes(name) ? `${t(name)}: ${percent(value)}` : name === "seen" ? `${t("seen")}: ${value === null || value > 9999 ? t("never") : t("days", { days: number(value) })}` : null);
    return Object.entries(figures).map(told).filter(Boolean).join(" · ");
  }
}
