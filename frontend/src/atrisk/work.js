// What people do with a case: take it or give it to somebody, write a note, end it, open it again.
import { fresh, h } from "../dashboard/dom.js";
import { whose } from "./tier.js";

const KEPT = "nudge-case";

export class Work {
  /** typed: what is being typed on this case already. */
  constructor(screen, found, typed) {
    Object.assign(this, { screen, found, words: screen.words });
    this.key = `${KEPT}${screen.page.args.api}${found.id}`;
    this.typed = typed || this.stored();
    const { t } = this.words;
    const open = found.state === "open";
    this.node = h(
      "section",
      { class: "nudge-work", "aria-label": t("case_work") },
      this.owner(),
      open && this.assign(),
      this.note(),
      open ? this.resolve() : this.reopen(),
    );
  }

  // What is typed is kept until it is sent, should the page be left or somebody else be first.

  stored() {
    try {
      return JSON.parse(sessionStorage.getItem(this.key)) ?? {};
    } catch {
      return {};
    }
  }

  keep(change) {
    Object.assign(this.typed, change);
    try {
      sessionStorage.setItem(this.key, JSON.stringify(this.typed));
    } catch {
      // A browser that keeps nothing keeps it on the page at least.
    }
  }

  act(what, body, said, sent) {
    return this.screen.act(what, body, said, () => this.keep(Object.fromEntries(sent.map((name) => [name, undefined]))));
  }

  field(name, label, field) {
    field.id = fresh(name);
    field.dataset.keep = name;
    if (this.typed[name] !== undefined) field.value = this.typed[name];
    field.addEventListener("input", () => {
      this.keep({ [name]: field.value });
      this.decide();
    });
    return h("div", { class: "nudge-field" }, h("label", { for: field.id }, label), field);
  }

  /** Only what can be sent can be pressed. */
  decide() {
    if (this.end) this.end.disabled = !this.outcome.value;
    if (this.hand) this.hand.disabled = this.who.value === String(this.found.assignee?.id ?? "");
    this.add.disabled = !this.text.value.trim();
  }

  /** While a call is under way buttons keep the focus, and say that they wait. */
  wait(busy) {
    for (const one of this.node.querySelectorAll("button")) {
      if (busy) one.setAttribute("aria-disabled", "true");
      else one.removeAttribute("aria-disabled");
    }
  }

  button(keep, words, onclick, strong) {
    return h("button", { type: "button", class: `nudge-button${strong ? " nudge-strong" : ""}`, "data-keep": keep, onclick }, words);
  }

  owner() {
    const { t } = this.words;
    const { owner_words: owner, intervention, assignee, state } = this.found;
    return h(
      "dl",
      { class: "nudge-facts" },
      h("div", {}, h("dt", {}, t("case_owner")), h("dd", {}, owner)),
      intervention && h("div", {}, h("dt", {}, t("case_plan")), h("dd", {}, h("bdi", {}, intervention))),
      state !== "open" && h("div", {}, h("dt", {}, t("case_assignee")), h("dd", {}, whose(this.words, assignee))),
    );
  }

  assign() {
    const { t } = this.words;
    const { staff, assignee, version } = this.found;
    const people = assignee && !staff.some(({ id }) => id === assignee.id) ? [assignee, ...staff] : staff;
    const me = staff.find(({ me: own }) => own);
    this.who = h("select", { class: "nudge-input" }, h("option", { value: "" }, t("case_unassigned")), people.map(({ id, name, me: own }) => h("option", { value: id }, own ? t("case_me", { name }) : name || t("case_left"))));
    this.who.value = assignee?.id ?? "";
    const line = this.field("user", t("case_assign_to"), this.who);
    const give = (id) => {
      const name = people.find((one) => String(one.id) === String(id))?.name;
      return this.act("assign", { user: id ? Number(id) : null, version }, name ? t("case_said_assigned", { name }) : t("case_said_unassigned"), ["user"]);
    };
    this.hand = this.button("assign", t("case_assign"), () => give(this.who.value));
    const mine = me && assignee?.id !== me.id && this.button("take", t("case_take"), () => give(me.id), !assignee);
    return h("div", { class: "nudge-work-part" }, line, h("div", { class: "nudge-tools" }, mine, this.hand));
  }

  note() {
    const { t } = this.words;
    this.text = h("textarea", { class: "nudge-input nudge-own", rows: "3", maxlength: "5000" });
    const line = this.field("note", t("case_note"), this.text);
    this.add = this.button("add", t("case_add_note"), () => this.act("notes", { text: this.text.value.trim() }, t("case_said_note"), ["note"]));
    this.add.disabled = !this.text.value.trim();
    return h("div", { class: "nudge-work-part" }, line, h("p", { class: "nudge-hint" }, t("case_note_hint")), h("div", { class: "nudge-tools" }, this.add));
  }

  resolve() {
    const { t } = this.words;
    const { outcomes, version } = this.found;
    this.outcome = h("select", { class: "nudge-input" }, h("option", { value: "" }, t("case_outcome_pick")), outcomes.map(({ value, words }) => h("option", { value }, words)));
    this.last = h("textarea", { class: "nudge-input nudge-own", rows: "2", maxlength: "5000" });
    const lines = [this.field("outcome", t("case_outcome"), this.outcome), this.field("ending", t("case_outcome_text"), this.last)];
    this.end = this.button("resolve", t("case_resolve"), () => this.act("resolve", { outcome: this.outcome.value, text: this.last.value.trim(), version }, t("case_said_resolved"), ["outcome", "ending"]));
    const part = h("div", { class: "nudge-work-part" }, lines, h("div", { class: "nudge-tools" }, this.end));
    this.decide();
    return part;
  }

  reopen() {
    const { t, moment } = this.words;
    const { state_words: state, outcome_words: outcome, closed, version } = this.found;
    return h(
      "div",
      { class: "nudge-work-part" },
      h("p", {}, [state, outcome].filter(Boolean).join(": "), closed ? ` (${moment(closed)})` : ""),
      h("div", { class: "nudge-tools" }, this.button("reopen", t("case_reopen"), () => this.act("reopen", { version }, t("case_said_reopened"), []))),
    );
  }
}
