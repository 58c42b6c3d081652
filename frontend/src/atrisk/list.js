// Today's cases, the most urgent first: figures to narrow them by, filters, and each one's reason in a sentence.
import { fresh, h } from "../dashboard/dom.js";
import { asked, narrowed, whole, write } from "./address.js";
import { TIERS, arrow, badge, bars, called, change, meter, seen, whose } from "./tier.js";

const GROUPS = ["absence", "assignments", "grades", "pace", "difficulty", "help", "enrolment", "several"];
const CHOICES = {
  group: GROUPS,
  owner: ["adviser", "assistant", "team"],
  assignee: ["me", "none"],
  state: ["open", "ended", "all"],
  order: ["urgency", "opened"],
};

export class List {
  constructor(risk) {
    Object.assign(this, { risk, page: risk.page, words: risk.words });
    this.node = h("div", { class: "nudge-cases" });
  }

  open() {
    // What was there stays until what is new has come.
    this.load();
  }

  async load() {
    const { t } = this.words;
    this.list?.setAttribute("aria-busy", "true");
    await this.risk.fetch(this, `cases?${asked(this.risk.at)}`, "case_waiting", "case_what_list");
    const alert = this.node.querySelector(".nudge-failed");
    if (alert && narrowed(this.risk.at)) alert.append(h("button", { type: "button", class: "nudge-button nudge-quiet", onclick: () => this.take(whole(this.risk.at)) }, t("case_all_open")));
  }

  /** Narrows the list in another way. */
  take(change) {
    this.risk.took({ ...change, page: change.page ?? 1 });
    this.spoken = true;
    this.load();
  }

  draw(found) {
    const { t } = this.words;
    const focus = this.page.focused()?.dataset?.keep;
    this.heading = h("h2", { class: "nudge-finding nudge-cases-finding", tabindex: "-1" }, this.finding(found));
    this.list = this.rows(found);
    this.node.replaceChildren(
      this.header(found),
      ...(found.counts.assessed || found.cases.length ? [this.tiles(found), this.courses(found), this.filters(found), this.list, this.pages(found)] : [this.unborn()]),
    );
    if (focus) this.back(focus);
    if (this.spoken) this.page.announce(this.words.n("case_shown", found.total));
    this.spoken = false;
  }

  /** What had the focus has it again; where it is gone, the heading has. */
  back(focus) {
    const same = this.node.querySelector(`[data-keep="${CSS.escape(focus)}"]`);
    (same && !same.disabled ? same : this.heading).focus();
  }

  finding({ counts }) {
    const { t, n, list } = this.words;
    if (!counts.assessed && !counts.open) return t("case_none_yet");
    if (!counts.open) return t("case_nobody");
    return list([n("case_open", counts.open), counts.high > 0 && n("case_urgent", counts.high)].filter(Boolean));
  }

  header(found) {
    const { t, n, moment } = this.words;
    const { counts } = found;
    const told = [
      counts.assessed > 0 && n("case_assessed", counts.assessed),
      counts.never_came > 0 && n("case_never", counts.never_came),
      found.at && t("case_as_of", { time: moment(found.at) }),
    ].filter(Boolean);
    const csv = h("a", { class: "nudge-button nudge-quiet", href: this.page.address(`cases.csv?${asked(this.risk.at, { paged: false })}`), download: "" }, t("csv"));
    return h(
      "header",
      { class: "nudge-bar nudge-cases-head" },
      h("div", {}, this.heading, h("p", { class: "nudge-small" }, told.join(" "))),
      h("div", { class: "nudge-tools" }, found.cases.length > 0 && csv, this.page.copy()),
    );
  }

  // Narrowing

  tiles({ counts }) {
    const { t } = this.words;
    const { at } = this.risk;
    const tier = (name) => this.tile(`tier-${name}`, counts[name], t(`tier_${name}`), bars(name), at.tier.includes(name), () =>
      this.take({ tier: at.tier.includes(name) ? at.tier.filter((one) => one !== name) : TIERS.filter((one) => one === name || at.tier.includes(one)) }));
    const whose = (name, count) => this.tile(`assignee-${name}`, count, t(`case_assignee_${name}`), null, at.assignee === name, () => this.take({ assignee: at.assignee === name ? "" : name }));
    return h("div", { class: "nudge-tiles", role: "group", "aria-label": t("case_tiles") }, TIERS.map(tier), whose("me", counts.mine), whose("none", counts.unassigned));
  }

  tile(keep, count, words, mark, pressed, onclick) {
    return h(
      "button",
      { type: "button", class: "nudge-tile", "data-keep": keep, "aria-pressed": String(pressed), onclick },
      h("strong", {}, this.words.number(count)),
      h("span", {}, mark, words),
    );
  }

  /** The courses of a programme: how many cases each has, and a way to look at some of them alone. */
  courses({ courses }) {
    if (!courses?.length) return "";
    const { t, n, number } = this.words;
    const { at } = this.risk;
    const row = ({ course, title, open, high }) => {
      const id = fresh("course");
      const on = at.course.includes(course);
      const input = h("input", { id, type: "checkbox", "data-keep": `course-${course}`, onchange: () => this.take({ course: on ? at.course.filter((one) => one !== course) : [...at.course, course] }) });
      input.checked = on;
      return h(
        "tr",
        {},
        h("th", { scope: "row" }, h("div", { class: "nudge-radio" }, input, h("label", { for: id, class: "nudge-own" }, title))),
        h("td", {}, number(open)),
        h("td", {}, number(high)),
        this.page.args.course && h("td", {}, h("a", { href: `${this.page.args.course.replace("{course}", encodeURIComponent(course))}#nudge-cases` }, t("case_course_page"), h("span", { class: "nudge-unseen" }, ` ${title}`))),
      );
    };
    const heads = [t("case_course"), t("case_head_open"), t("tier_high"), this.page.args.course && h("span", { class: "nudge-unseen" }, t("case_course_page"))];
    return h(
      "details",
      { class: "nudge-courses", open: courses.length < 8 || at.course.length > 0 },
      h("summary", {}, n("case_courses", courses.length)),
      h("div", { class: "nudge-figures", tabindex: "0", role: "group", "aria-label": t("case_courses_table") }, h("table", {}, h("caption", {}, t("case_courses_table")), h("thead", {}, h("tr", {}, heads.filter(Boolean).map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, courses.map(row)))),
    );
  }

  filters(found) {
    const { t } = this.words;
    const { at } = this.risk;
    const clear = h("button", { type: "button", class: "nudge-button", "data-keep": "clear", onclick: () => this.clear() }, t("start_over"));
    return h(
      "div",
      { class: "nudge-case-filters", role: "group", "aria-label": t("case_filters") },
      Object.keys(CHOICES).map((name) => this.filter(name, this.options(name, found))),
      at.who && h("span", { class: "nudge-badge" }, called(this.words, at.who)),
      narrowed(at) && clear,
    );
  }

  /** What can be chosen: the ready values, and what a link holds beside them. */
  options(name, { cases }) {
    const { t } = this.words;
    const held = [this.risk.at[name]].flat();
    const ready = CHOICES[name].map((value) => ({ value, words: t(name === "group" ? `risk_${value}` : `case_${name}_${value}`) }));
    const other = held.filter((value) => value && !CHOICES[name].includes(value));
    const person = (value) => cases.find(({ assignee }) => String(assignee?.id) === value)?.assignee.name ?? t("case_colleague");
    const beside = other.map((value) => ({ value, words: name === "assignee" ? person(value) : value }));
    const several = held.length > 1 ? [{ value: held.join(","), words: this.words.list(held.map((value) => t(`risk_${value}`))) }] : [];
    const any = ["state", "order"].includes(name) ? [] : [{ value: "", words: t(`case_${name}_any`) }];
    return [...any, ...ready, ...(several.length ? several : beside)];
  }

  filter(name, options) {
    const { at } = this.risk;
    const id = fresh(name);
    const list = h("select", { id, class: "nudge-input", "data-keep": name, "data-filter": name, onchange: () => this.take({ [name]: Array.isArray(at[name]) ? list.value.split(",").filter(Boolean) : list.value }) }, options.map(({ value, words }) => h("option", { value }, words)));
    list.value = [at[name]].flat().join(",");
    return h("div", { class: "nudge-field" }, h("label", { for: id }, this.words.t(`case_by_${name}`)), list);
  }

  clear() {
    this.take(whole(this.risk.at));
    this.heading.focus();
  }

  // The cases

  rows(found) {
    const { t } = this.words;
    if (!found.cases.length) return this.empty();
    const heads = ["case_head_tier", "learner", "case_head_risk", "case_head_why", "case_head_who", "seen"];
    return h(
      "div",
      { class: "nudge-case-table" },
      h("div", { class: "nudge-case nudge-case-heads", "aria-hidden": "true" }, heads.map((head) => h("span", {}, t(head)))),
      h("ol", { class: "nudge-case-rows", "aria-label": t("case_list") }, found.cases.map((row) => this.row(row))),
    );
  }

  row(row) {
    const { t, percent } = this.words;
    const query = () => write({ ...this.risk.at, case: row.id, of: this.risk.everywhere ? row.course : "", tables: [] });
    const link = h("a", { href: `#nudge-cases&${query()}`, "data-keep": `case-${row.id}`, onclick: (event) => this.risk.leave(event, query) }, called(this.words, row.learner));
    const ended = row.state !== "open";
    return h(
      "li",
      { class: `nudge-case${ended ? " nudge-case-ended" : ""}`, "data-case": row.id },
      h("div", { class: "nudge-case-tier" }, badge(row.tier, row.tier_words)),
      h("div", { class: "nudge-case-who" }, h("h3", {}, link), this.risk.everywhere && h("small", { class: "nudge-own" }, row.course_title)),
      h(
        "div",
        { class: "nudge-case-risk" },
        h("span", { class: "nudge-case-chance" }, h("strong", {}, percent(row.chance)), meter(row.chance, row.tier)),
        h("small", {}, arrow(row.change), change(this.words, row.change)),
      ),
      h("p", { class: "nudge-case-why" }, row.sentence, ended && h("small", {}, [row.state_words, row.outcome_words].filter(Boolean).join(": "))),
      h("div", { class: "nudge-case-owner" }, h("span", {}, row.owner_words), h("small", {}, whose(this.words, row.assignee))),
      h("div", { class: "nudge-case-seen" }, h("span", { class: "nudge-narrow" }, seen(this.words, row.seen)), h("span", { class: "nudge-wide-only", "aria-hidden": "true" }, seen(this.words, row.seen, true))),
    );
  }

  empty() {
    const { t } = this.words;
    const some = narrowed(this.risk.at);
    return h(
      "section",
      { class: "nudge-empty" },
      h("h3", { class: "nudge-finding nudge-minor" }, t(some ? "case_no_match" : "case_all_well")),
      h("p", {}, t(some ? "case_no_match_words" : "case_all_well_words")),
      some && h("button", { type: "button", class: "nudge-button nudge-strong", "data-keep": "clear", onclick: () => this.clear() }, t("case_all_open")),
    );
  }

  /** Before the first night that knows of this course. */
  unborn() {
    return h("section", { class: "nudge-empty" }, h("p", {}, this.words.t("case_none_yet_words")));
  }

  pages({ page, pages }) {
    if (pages < 2) return "";
    const { t, number } = this.words;
    const turn = (to, name) => {
      const click = () => {
        this.take({ page: to });
        this.heading.scrollIntoView({ block: "nearest" });
      };
      return h("button", { type: "button", class: "nudge-button", "data-keep": name, disabled: to < 1 || to > pages, onclick: click }, t(name));
    };
    return h("nav", { class: "nudge-pages", "aria-label": t("case_pages") }, turn(page - 1, "case_earlier"), h("span", {}, t("case_page_of", { page: number(page), pages: number(pages) })), turn(page + 1, "case_later"));
  }
}
