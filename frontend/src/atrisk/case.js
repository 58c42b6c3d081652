// One learner's case: how the risk moved, why, what could help, what was done, and what is done now.
import { h } from "../dashboard/dom.js";
import { NoAnswer } from "../dashboard/server.js";
import { read, write } from "./address.js";
import { badge, called, seen } from "./tier.js";
import { timeline } from "./timeline.js";
import { others, steps, why } from "./why.js";
import { Work } from "./work.js";
import { writing } from "./writing.js";

export class Case {
  constructor(risk) {
    Object.assign(this, { risk, page: risk.page, words: risk.words });
    this.node = h("div", { class: "nudge-case-page" });
    this.trouble = h("div", {});
  }

  open() {
    const { at } = this.risk;
    if (at.case !== this.id) this.drawn = false;
    this.id = at.case;
    this.trouble.replaceChildren();
    this.risk.fetch(this, this.path(), "case_waiting_one", "case_what_one");
  }

  path(rest = "") {
    return `${this.risk.base(this.risk.at.of)}cases/${this.id}${rest}`;
  }

  draw(found) {
    this.found = found;
    const focus = this.page.focused()?.dataset?.keep;
    this.work = new Work(this, found, this.work?.found.id === found.id && this.work.typed);
    this.node.replaceChildren(
      this.header(found),
      this.trouble,
      h(
        "div",
        { class: "nudge-case-body" },
        h("div", { class: "nudge-case-story" }, timeline(this.risk, found), why(this.risk, found)),
        h("div", { class: "nudge-case-side" }, this.work.node),
        h("div", { class: "nudge-case-story nudge-case-rest" }, steps(this.risk, found), others(this.risk, found), this.history(found)),
      ),
    );
    if (focus) this.back(focus);
  }

  /** What had the focus has it again; where it is gone or done with, the first thing beside it has. */
  back(focus) {
    const same = this.node.querySelector(`[data-keep="${CSS.escape(focus)}"]`);
    const first = (part) => part?.querySelector("select, textarea, button:not(:disabled)");
    const next = same && !same.disabled ? same : (first(same?.closest(".nudge-work-part")) ?? first(this.work.node));
    next.focus({ preventScroll: true });
  }

  header(found) {
    const { t, moment } = this.words;
    const list = () => write({ ...read(this.page.state.cases), case: null, of: "", tables: [] });
    const back = h("a", { class: "nudge-back", href: `#nudge-cases&${list()}`, onclick: (event) => this.risk.leave(event, list) }, h("span", { "aria-hidden": "true" }, "‹ "), t("case_back"));
    this.heading = h("h2", { class: "nudge-finding", tabindex: "-1" }, called(this.words, found.learner));
    const told = [
      this.risk.everywhere && h("span", { class: "nudge-own" }, found.course_title),
      seen(this.words, found.seen),
      t("case_opened", { time: moment(found.opened) }),
      found.closed && t("case_closed", { time: moment(found.closed) }),
    ].filter(Boolean);
    const state = [found.state_words, found.outcome_words].filter(Boolean).join(": ");
    return h(
      "header",
      { class: "nudge-case-head" },
      back,
      h("div", { class: "nudge-bar" }, h("div", { class: "nudge-case-title" }, this.heading, badge(found.tier, found.tier_words), h("span", { class: "nudge-badge", "data-state": found.state }, state)), h("div", { class: "nudge-tools" }, writing(this.risk, found), this.page.copy())),
      h("p", { class: "nudge-small" }, told.flatMap((part, i) => (i ? [" · ", part] : [part]))),
      found.partial && h("p", { class: "nudge-note" }, t("case_partial_words")),
    );
  }

  history({ history }) {
    const { t, moment } = this.words;
    const one = ({ at, who, what, words, text }) =>
      h(
        "li",
        { "data-what": what },
        h("p", { class: "nudge-small" }, h("time", { datetime: at }, moment(at)), ` · ${who || t("case_by_night")}`),
        h("p", {}, words),
        text && h("blockquote", { class: "nudge-own" }, text),
      );
    const newest = [...history].sort((one, other) => Date.parse(other.at) - Date.parse(one.at));
    return h("section", { class: "nudge-section nudge-history", "aria-label": t("case_history") }, h("h3", { class: "nudge-finding nudge-minor" }, t("case_history")), h("ol", {}, newest.map(one)));
  }

  /**
   * Does something with the case and shows it as it is then; answers whether that went well.
   * said: what is announced; went: called before it is shown anew.  Where somebody else was first, what they did
   * is shown and nothing typed is lost.  Until there is an answer nothing else is done.
   */
  async act(what, body, said, went) {
    const { t } = this.words;
    const { id } = this;
    if (this.busy === id) return false;
    this.busy = id;
    this.work.wait(true);
    this.trouble.replaceChildren();
    try {
      const found = await this.risk.ask(this.path(`/${what}`), body);
      went();
      if (id === this.id) this.draw(found);
      this.page.announce(said);
      return true;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (error.answer.case) this.overtaken(error);
      else this.trouble.replaceChildren(this.page.failed(error, t("case_what_act"), t("case_kept_typed")));
      this.trouble.firstElementChild?.scrollIntoView({ block: "nearest" });
      return false;
    } finally {
      if (this.busy === id) this.busy = null;
      if (id === this.id) this.work.wait(false);
    }
  }

  /** Somebody changed the case since it was fetched. */
  overtaken(error) {
    const { t, moment } = this.words;
    const present = error.answer.case;
    this.draw(present);
    const last = present.history.reduce((one, other) => (!one || Date.parse(other.at) >= Date.parse(one.at) ? other : one), null);
    const told = last && [last.who || t("case_by_night"), moment(last.at), [last.words, last.text].filter(Boolean).join(": ")].join(" · ");
    this.trouble.replaceChildren(h("div", { class: "nudge-failed", role: "alert" }, h("strong", {}, error.detail), told && h("p", {}, told), h("p", {}, t("case_overtaken_kept"))));
  }
}
