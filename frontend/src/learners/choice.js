// The screen on which learners are chosen: presets, three linked plots, filters, and the chosen in a table.
import { fit } from "../communicator/fit.js";
import { h } from "../dashboard/dom.js";
import { NoAnswer } from "../dashboard/server.js";
import { Filters } from "./filters.js";
import { Histogram } from "./histogram.js";
import { Model } from "./model.js";
import { unpack } from "./payload.js";
import { Saved, presets } from "./phrases.js";
import { FIGURES, Unreadable, nobody, parse } from "./selection.js";
import { Table } from "./table.js";

const TONES = { pass: "pass", complete: "complete", leave: "leave" };
/** Milliseconds after a change until what need not follow each frame is drawn. */
const REST = 120;
/** A wait longer than this says for how long it has been going on. */
const LONG = 3000;

export class Choice {
  constructor(page) {
    this.page = page;
    this.words = page.words;
    this.rtl = page.rtl;
    this.node = h("div", { class: "nudge-choice" });
    this.wanted = new Map();
    this.load();
  }

  /** Called whenever the screen is gone to. */
  open() {
    if (this.model && this.page.query !== this.model.query) this.restore();
  }

  async load() {
    const { page } = this;
    const { t, number } = this.words;
    const waiting = page.waiting(t("waiting_learners"));
    this.node.replaceChildren(waiting);
    const since = Date.now();
    const beat = setInterval(() => {
      if (Date.now() - since >= LONG) waiting.firstChild.textContent = t("still_waiting", { seconds: number((Date.now() - since) / 1000) });
    }, 1000);
    try {
      this.learners = unpack(await page.ask("learners"));
      this.draw();
    } catch (error) {
      this.node.replaceChildren(page.failed(error, t("what_learners"), t("kept_learners"), () => this.load()));
    } finally {
      clearInterval(beat);
    }
  }

  draw() {
    const { t, moment } = this.words;
    if (!this.learners.n) {
      this.node.replaceChildren(h("section", { class: "nudge-section nudge-empty" }, (this.heading = h("h2", { class: "nudge-finding", tabindex: "-1" }, t("no_learners"))), h("p", {}, t("no_learners_words"))));
      return;
    }
    this.model = new Model(this.learners);
    this.notice = h("div", {});
    this.plots = FIGURES.map((name) => new Histogram(this, { name, tone: TONES[name] }));
    this.filters = new Filters(this);
    this.saved = new Saved(this);
    this.presets = presets(this);
    this.table = new Table(this);
    this.node.replaceChildren(
      this.notice,
      this.header(),
      h("section", { class: "nudge-phrases", "aria-label": t("phrases") }, this.presets.node, this.saved.node),
      h("section", { class: "nudge-plots", "aria-label": t("plots") }, this.plots.map(({ node }) => node)),
      h("p", { class: "nudge-note" }, t("note_figures", { time: moment(this.learners.at) })),
      this.filters.node,
      this.table.node,
    );
    this.restore();
  }

  header() {
    const { t, n } = this.words;
    this.count = h("strong", { class: "nudge-count" });
    this.of = h("span", { class: "nudge-count-of" });
    this.heading = h("h2", { class: "nudge-count-line", tabindex: "-1" }, this.count, this.of);
    this.reach = h("p", { class: "nudge-small" });
    this.write = h("button", { type: "button", class: "nudge-button nudge-strong", onclick: () => this.page.go({ view: "write", letter: null }) });
    this.clear = h("button", { type: "button", class: "nudge-button", onclick: () => this.take(nobody()) }, t("start_over"));
    this.csv = h("a", { class: "nudge-button nudge-quiet", download: "" }, t("csv"));
    this.of.textContent = n("of_learners", this.model.size);
    return h(
      "header",
      { class: "nudge-chosen" },
      h("div", {}, this.heading, this.reach),
      h("div", { class: "nudge-tools" }, this.write, this.clear, this.csv, this.page.copy()),
    );
  }

  // Choosing

  /** The range of a figure as it is or is about to be. */
  range(name) {
    return this.wanted.has(name) ? this.wanted.get(name) : (this.model.selection.ranges[name] ?? null);
  }

  /** Moves a brush; drawn once a frame, however often it moves. */
  move(name, range) {
    this.wanted.set(name, range);
    this.frame ??= requestAnimationFrame(() => this.paint());
  }

  /** Chooses anew. */
  take(selection) {
    this.wanted.clear();
    this.model.choose(selection);
    this.paint();
  }

  /** The selection of a query; throws Unreadable. */
  read(query) {
    const keys = (kind) => this.learners[kind].map(({ key }) => key);
    return parse(query, { reasons: keys("reasons"), tiers: keys("tiers"), risks: keys("risks") });
  }

  /** Chooses what the address says. */
  restore() {
    const { t } = this.words;
    this.notice.replaceChildren();
    try {
      this.take(this.read(this.page.query));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.take(nobody());
      this.notice.replaceChildren(h("p", { class: "nudge-failed", role: "alert" }, t("unreadable")));
    }
  }

  // Drawing

  paint() {
    this.frame = null;
    const { model } = this;
    const { number } = this.words;
    for (const [name, range] of this.wanted) model.range(name, range);
    this.wanted.clear();
    this.count.textContent = number(model.chosen);
    for (const plot of this.plots) plot.paint();
    this.filters.progress.paint();
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.settle(), REST);
  }

  /** What follows once the brush rests: words, filters, table and address. */
  settle() {
    const { model } = this;
    const { t, n } = this.words;
    const { chosen, reachable } = model;
    this.heading.classList.toggle("nudge-none", !chosen);
    this.reach.textContent = chosen ? n("can_be_written", reachable) : t("nobody_yet");
    this.write.textContent = n("write_to", chosen);
    this.write.hidden = this.csv.hidden = !chosen;
    this.clear.hidden = !model.query;
    this.csv.href = this.page.address(`learners.csv?${model.query}`);
    for (const plot of [...this.plots, this.filters.progress]) plot.tabulate();
    this.filters.paint();
    this.presets.paint();
    this.saved.paint();
    this.table.fill();
    if (this.page.query !== model.query) {
      this.page.chose(model.query);
      this.page.announce(`${n("chosen_count", chosen)} ${n("of_learners", model.size)}`);
    }
  }

  fit(node, draw) {
    fit(node, draw);
  }

  focused() {
    return this.page.focused();
  }

  /** Asks REST for something beside the figures; answers null where that fails, having said so. */
  async ask(path, body, method) {
    try {
      return await this.page.ask(path, body, method);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.page.announce([this.words.t(`why_${error.why}`), error.detail].filter(Boolean).join(" "));
      return null;
    }
  }
}
