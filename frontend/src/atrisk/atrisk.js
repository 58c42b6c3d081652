// Learners at risk: today's cases, one learner's case, what worked, whether it is fair, and the course's settings.
import { h } from "../dashboard/dom.js";
import { PARTS, home, read, write } from "./address.js";
import { Case } from "./case.js";
import { Fairness } from "./fairness.js";
import { List } from "./list.js";
import { Settings } from "./settings.js";
import { Worked } from "./worked.js";

const SCREENS = { list: List, case: Case, worked: Worked, fairness: Fairness, settings: Settings };

export class AtRisk {
  constructor(page) {
    Object.assign(this, { page, words: page.words, rtl: page.rtl, screens: {} });
    const { t } = this.words;
    const { programme } = page.args;
    this.links = this.everywhere ? [] : PARTS.map((part) => h("a", { "data-part": part, onclick: (event) => this.follow(event, part) }, t(`case_part_${part}`)));
    const nav = this.links.length > 0 && h("nav", { class: "nudge-parts", "aria-label": t("view_cases") }, this.links, programme && h("a", { class: "nudge-parts-all", href: programme }, t("case_programme")));
    this.body = h("div", {});
    this.node = h("div", { class: "nudge-risk" }, nav, this.body);
  }

  /** Whether several courses are looked at. */
  get everywhere() {
    return Boolean(this.page.args.only);
  }

  get heading() {
    return this.screen?.heading;
  }

  /** Called whenever the screen is gone to, and when its address changes. */
  open() {
    this.at = read(this.page.state.cases);
    const name = this.at.case ? "case" : this.everywhere ? "list" : this.at.part;
    for (const anchor of this.links) {
      if (anchor.dataset.part === (this.at.case ? "list" : this.at.part)) anchor.setAttribute("aria-current", "true");
      else anchor.removeAttribute("aria-current");
      anchor.href = `#nudge-cases&${this.to(anchor.dataset.part)}`;
    }
    this.screen = this.screens[name] ??= new SCREENS[name](this);
    this.body.replaceChildren(this.screen.node);
    this.screen.open();
  }

  to(part) {
    return write({ ...read(home(this.page.state.cases)), part });
  }

  follow(event, part) {
    this.leave(event, () => this.to(part));
  }

  /** Follows a link to other cases on this page, unless it is to be opened elsewhere. */
  leave(event, query) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    this.go(query());
  }

  go(query) {
    this.landing = true;
    this.page.go({ view: "cases", letter: null, cases: query });
  }

  /** Puts the focus on what has come, where it was asked for by a link. */
  arrived(node) {
    if (this.landing) node?.focus();
    this.landing = false;
  }

  /** Takes down a change of what is looked at, without going anywhere. */
  took(change) {
    Object.assign(this.at, change);
    this.page.state.cases = write(this.at);
    this.page.keep();
  }

  // What the parts use

  /** Where a case's course is in REST, from where these screens are. */
  base(course) {
    return this.everywhere ? `courses/${encodeURIComponent(course)}/` : "";
  }

  ask(path, body, method) {
    return this.page.ask(path, body, method);
  }

  /** What a plot with a table needs of its page. */
  get plots() {
    const { page, at } = this;
    const tables = new Set(at.tables);
    return {
      words: this.words,
      rtl: this.rtl,
      tip: page.tip,
      state: { tables },
      focused: () => page.focused(),
      keep: () => this.took({ tables: [...tables] }),
    };
  }

  /** Asks for what a part shows and draws it; says so while it lasts and where it fails. */
  async fetch(screen, path, waiting, what) {
    const { t } = this.words;
    const round = (screen.round = (screen.round ?? 0) + 1);
    if (!screen.drawn) screen.node.replaceChildren(this.page.waiting(t(waiting)));
    try {
      const found = await this.ask(path);
      if (round !== screen.round) return;
      screen.drawn = true;
      screen.draw(found);
      this.arrived(screen.heading);
    } catch (error) {
      if (round !== screen.round) return;
      screen.drawn = false;
      screen.node.replaceChildren(this.page.failed(error, t(what), t("case_kept"), () => this.fetch(screen, path, waiting, what)));
    }
  }
}
