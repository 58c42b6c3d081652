// What became of one letter, learner by learner, and why each of them was meant.
import { h } from "../dashboard/dom.js";
import { PERCENTS } from "../learners/selection.js";

export class Deliveries {
  constructor(sent, panel) {
    Object.assign(this, { page: sent.page, words: sent.words, panel });
  }

  async load(letter) {
    const { t } = this.words;
    this.panel.replaceChildren(this.page.waiting(t("waiting_deliveries")));
    try {
      const found = await this.page.ask(`letters/${letter.id}/deliveries`);
      this.panel.replaceChildren(found.deliveries.length ? this.table(letter, found) : h("p", { class: "nudge-note" }, t("nobody_got_it")));
    } catch (error) {
      this.panel.replaceChildren(this.page.failed(error, t("what_deliveries"), t("kept_letters"), () => this.load(letter)));
    }
  }

  table(letter, found) {
    const { t } = this.words;
    // Where the site does not look for opened mails, nothing is said of them.
    const heads = ["learner", "what_became", "why_chosen", "when_sent", ...(letter.tracking ? ["opened", "clicked"] : [])];
    const body = h("tbody", {}, found.deliveries.map((row) => this.row(letter, row)));
    const more = h("button", { type: "button", class: "nudge-button", hidden: !found.next, onclick: () => this.more(letter, body, more) }, t("more_rows"));
    more.next = found.next;
    return h(
      "div",
      { class: "nudge-figures", tabindex: "0", role: "group", "aria-label": t("who_got_it") },
      h("table", {}, h("caption", {}, letter.subject), h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, t(name))))), body),
      more,
      h("p", {}, h("a", { href: this.page.address(`letters/${letter.id}/deliveries.csv`), download: "" }, t("csv"))),
    );
  }

  async more(letter, body, button) {
    button.disabled = true;
    try {
      const found = await this.page.ask(`letters/${letter.id}/deliveries?after=${button.next}`);
      body.append(...found.deliveries.map((row) => this.row(letter, row)));
      button.next = found.next;
      button.hidden = !found.next;
    } catch (error) {
      button.replaceWith(this.page.failed(error, this.words.t("what_deliveries"), this.words.t("kept_letters")));
    }
    button.disabled = false;
  }

  row(letter, row) {
    const { t, moment } = this.words;
    const cells = [
      [row.words, row.because].filter(Boolean).join(": "),
      this.why(letter, row.why),
      row.sent_at ? moment(row.sent_at) : "–",
      ...(letter.tracking ? [row.opened, row.clicked].map((yes) => (yes ? t("yes") : "–")) : []),
    ];
    return h("tr", {}, h("th", { scope: "row" }, t("learner_name", { name: row.learner.slice(0, 6).toUpperCase() })), cells.map((cell) => h("td", {}, cell)));
  }

  /** The figures by which the selection held a learner: those that it sets limits to. */
  why(letter, figures) {
    const { t, percent, number } = this.words;
    const limits = new URLSearchParams(letter.selection);
    const days = (value) => (value === "never" ? t("never") : t("days", { days: number(value) }));
    const shown = Object.entries(figures).filter(([name]) => limits.has(name) && (name === "seen" || PERCENTS.includes(name)));
    const told = shown.map(([name, value]) => `${t(name)}: ${name === "seen" ? days(value) : percent(value)}`);
    const reasons = limits.has("reason") ? (figures.reasons ?? []).map((key) => t(`reason_${key}`)) : [];
    const risk = ["tier", "risk"].filter((name) => limits.has(name) && figures[name]).map((name) => t(`${name}_${figures[name]}`));
    return [...told, ...risk, ...reasons].join(" · ") || "–";
  }
}
