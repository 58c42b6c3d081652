// A course's settings: where the tiers begin, who helps with which reason, and what goes out by itself.
import { fresh, h } from "../dashboard/dom.js";
import { NoAnswer } from "../dashboard/server.js";
import { Limits } from "./limits.js";
import { badge } from "./tier.js";

/** States of a letter in which nothing of it goes out any more. */
const STOPPED = ["stopped", "sent"];

export class Settings {
  constructor(risk) {
    Object.assign(this, { risk, page: risk.page, words: risk.words });
    this.node = h("div", { class: "nudge-risk-settings" });
  }

  /** What was changed and not yet kept stays while other parts are looked at. */
  open() {
    if (this.drawn && this.changed) this.risk.arrived(this.heading);
    else this.risk.fetch(this, "cases/settings", "case_waiting_settings", "case_what_settings");
  }

  draw(found) {
    this.found = found;
    const { t } = this.words;
    this.heading = h("h2", { class: "nudge-finding", tabindex: "-1" }, t("case_part_settings"));
    this.limits = new Limits(this.risk, found, () => this.decide());
    this.trouble = h("div", {});
    this.said = h("p", { class: "nudge-small", role: "status" });
    this.save = h("button", { type: "button", class: "nudge-button nudge-strong", "data-keep": "save", onclick: () => this.put({}) }, t("case_save"));
    this.undo = h("button", { type: "button", class: "nudge-button", "data-keep": "undo", onclick: () => this.again() }, t("case_undo"));
    this.tools = h("div", { class: "nudge-tools nudge-save-bar" }, this.save, this.undo, this.said);
    this.node.replaceChildren(this.heading, this.limits.node, this.plan(found), this.trouble, this.tools, this.automatic(found));
    this.decide();
  }

  // Who helps, and how

  plan({ groups, owners }) {
    const { t } = this.words;
    this.lines = groups.map((group) => this.line(group, owners));
    return h(
      "section",
      { class: "nudge-section", "aria-label": t("case_question_plan") },
      h("p", { class: "nudge-question" }, t("case_question_plan")),
      h("h3", { class: "nudge-finding" }, t("case_plan_title")),
      h("div", { class: "nudge-plan" }, h("div", { class: "nudge-plan-row nudge-plan-heads", "aria-hidden": "true" }, ["case_head_why", "case_owner", "case_plan"].map((head) => h("span", {}, t(head)))), this.lines.map(({ node }) => node)),
      h("p", { class: "nudge-note" }, t("case_note_plan")),
    );
  }

  line({ group, words, owner, intervention, usual }, owners) {
    const { t } = this.words;
    const [name, who, what] = [fresh("group"), fresh("owner"), fresh("plan")];
    const list = h("select", { class: "nudge-input", id: who, "aria-labelledby": `${who}l ${name}`, "data-owner": group, onchange: () => this.decide() }, owners.map(({ value, words: text }) => h("option", { value }, text)));
    const text = h("textarea", { class: "nudge-input nudge-own", id: what, rows: "2", maxlength: "500", "aria-labelledby": `${what}l ${name}`, "data-plan": group, oninput: () => this.decide() });
    list.value = owner;
    text.value = intervention;
    const reset = () => {
      list.value = usual.owner;
      text.value = usual.intervention;
      this.decide();
      list.focus();
    };
    const back = h("button", { type: "button", class: "nudge-button nudge-quiet", "aria-describedby": name, onclick: reset }, t("case_usual"));
    const node = h(
      "div",
      { class: "nudge-plan-row", role: "group", "aria-labelledby": name, "data-group": group },
      h("h4", { id: name }, words),
      h("div", {}, h("span", { class: "nudge-plan-label", id: `${who}l` }, t("case_owner")), list),
      h("div", {}, h("span", { class: "nudge-plan-label", id: `${what}l` }, t("case_plan")), text, back),
    );
    return { group, usual, before: { owner, intervention }, back, node, get: () => ({ owner: list.value, intervention: text.value.trim() }) };
  }

  get asked() {
    return { limits: this.limits.limits, plan: Object.fromEntries(this.lines.map(({ group, get }) => [group, get()])), automatic: this.found.automatic };
  }

  /** What can be kept or undone is what differs from what is in force. */
  decide() {
    if (!this.lines || !this.save) return;
    const { limits } = this.found;
    const same = (one, other) => one.owner === other.owner && one.intervention === other.intervention;
    this.changed = Object.keys(limits).some((tier) => limits[tier] !== this.limits.limits[tier]) || this.lines.some(({ before, get }) => !same(before, get()));
    for (const { usual, back, get } of this.lines) back.hidden = same(usual, get());
    this.save.disabled = !this.changed;
    this.undo.hidden = !this.changed;
    this.tools.classList.toggle("nudge-changed", this.changed);
    if (this.changed) this.said.textContent = this.words.t("case_unsaved");
    else if (!this.kept) this.said.textContent = "";
    this.kept = false;
  }

  async again() {
    this.changed = false;
    await this.risk.fetch(this, "cases/settings", "case_waiting_settings", "case_what_settings");
    this.heading.focus();
  }

  /** Keeps what is on the page, with a change; answers whether that went well. */
  async put(change) {
    const { t } = this.words;
    this.trouble.replaceChildren();
    const asked = { ...this.asked, ...change, version: this.found.version };
    try {
      const found = await this.risk.ask("cases/settings", asked, "PUT");
      this.draw(found);
      this.kept = true;
      this.said.textContent = t("case_settings_kept");
      this.heading.focus();
      return true;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (error.answer.settings) this.overtaken(error.answer.settings);
      else this.trouble.replaceChildren(this.page.failed(error, t("case_what_settings_kept"), t("case_settings_typed")));
      this.trouble.firstElementChild?.scrollIntoView({ block: "nearest" });
      return false;
    }
  }

  /** A colleague was first: theirs are in force, mine are in the fields, and one of them is chosen. */
  overtaken(theirs) {
    const { t } = this.words;
    this.found = { ...theirs, letters: this.found.letters };
    const take = () => {
      this.changed = false;
      this.draw(theirs);
      this.heading.focus();
    };
    this.trouble.replaceChildren(
      h(
        "div",
        { class: "nudge-failed", role: "alert" },
        h("strong", {}, t("case_settings_overtaken")),
        h("p", {}, t("case_settings_both")),
        h("div", { class: "nudge-tools" }, h("button", { type: "button", class: "nudge-button", "data-mine": "", onclick: () => this.put({}) }, t("case_settings_mine")), h("button", { type: "button", class: "nudge-button", "data-theirs": "", onclick: take }, t("case_settings_theirs"))),
      ),
    );
  }

  // What goes out by itself

  automatic({ automatic, letters }) {
    const { t } = this.words;
    this.lost = h("div", {});
    this.asking = h("div", { class: "nudge-sending", hidden: true });
    this.switch = h("button", { type: "button", class: `nudge-button${automatic ? "" : " nudge-strong"}`, "data-keep": "automatic", onclick: () => this.ask(!automatic) }, t(automatic ? "case_switch_off" : "case_switch_on"));
    return h(
      "section",
      { class: "nudge-section", "aria-label": t("case_question_automatic") },
      h("p", { class: "nudge-question" }, t("case_question_automatic")),
      h("h3", { class: "nudge-finding", "data-automatic": String(automatic) }, t(automatic ? "case_is_on" : "case_is_off")),
      h("p", {}, t(automatic ? "case_on_words" : "case_off_words")),
      h("div", { class: "nudge-tools" }, this.switch),
      this.asking,
      letters.length > 0 && this.letters(letters),
    );
  }

  /** Says what will happen before it does. */
  ask(on) {
    const { t, n } = this.words;
    const title = h("h4", { class: "nudge-finding nudge-minor", tabindex: "-1" }, t(on ? "case_on_sure" : "case_off_sure"));
    const told = on ? [n("case_on_marginal", this.limits.count("marginal")), n("case_on_moderate", this.limits.count("moderate")), n("case_on_high", this.limits.count("high")), t("case_on_restraint")] : [t("case_off_told")];
    const no = () => {
      this.asking.hidden = true;
      this.switch.hidden = false;
      this.switch.focus();
    };
    const yes = h("button", { type: "button", class: "nudge-button nudge-strong", "data-confirm": "", onclick: () => this.turn(on, yes) }, t(on ? "case_on_yes" : "case_off_yes"));
    this.asking.replaceChildren(title, h("ul", { class: "nudge-told" }, told.map((line) => h("li", {}, line))), this.changed ? h("p", { class: "nudge-alarm" }, t("case_also_saves")) : "", h("div", { class: "nudge-tools" }, yes, h("button", { type: "button", class: "nudge-button", onclick: no }, t("case_not_yet"))));
    this.asking.onkeydown = (event) => event.key === "Escape" && no();
    this.asking.hidden = false;
    this.switch.hidden = true;
    title.focus();
    this.asking.scrollIntoView({ block: "nearest" });
  }

  async turn(on, yes) {
    yes.disabled = true;
    if (await this.put({ automatic: on })) this.page.announce(this.words.t(on ? "case_is_on" : "case_is_off"));
    else yes.disabled = false;
  }

  /** A row a reason, a column for each way in which a tier is written to. */
  letters(letters) {
    const { t } = this.words;
    const kinds = [...new Set(letters.map(({ tier, channel }) => `${tier} ${channel}`))].map((kind) => kind.split(" "));
    const groups = [...new Set(letters.map(({ group }) => group))];
    const named = Object.fromEntries(this.found.groups.map(({ group, words }) => [group, words]));
    const cell = (group, [tier, channel]) => letters.filter((one) => one.group === group && one.tier === tier && one.channel === channel).map((letter) => this.letter(letter));
    const title = fresh("letters");
    return h(
      "div",
      { class: "nudge-made" },
      h("h4", { id: title }, t("case_letters")),
      h(
        "div",
        { class: "nudge-figures", tabindex: "0", role: "group", "aria-labelledby": title },
        h(
          "table",
          {},
          h("caption", {}, t("case_letters")),
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("case_head_why")), kinds.map(([tier, channel]) => h("th", { scope: "col" }, badge(tier, t(`tier_${tier}`)), h("small", {}, t(`case_channel_${channel}`)))))),
          h("tbody", {}, groups.map((group) => h("tr", {}, h("th", { scope: "row" }, named[group || "several"]), kinds.map((kind) => h("td", {}, cell(group, kind)))))),
        ),
      ),
      h("p", { class: "nudge-note" }, t("case_note_letters")),
      this.lost,
    );
  }

  letter({ id, subject, state }) {
    const { t } = this.words;
    const title = fresh("letter");
    const open = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      this.page.go({ view: "sent", letter: id });
    };
    // What stands for each learner's own is called as the button that puts it in.
    const shown = subject.replace(/\[:(\w+):\]/g, (_, field) => `‹${t(`field_${field}`)}›`);
    return h(
      "div",
      { class: "nudge-made-letter", "data-letter": id },
      h("a", { class: "nudge-own", id: title, href: `#nudge-sent&letter=${id}`, onclick: open }, shown),
      h("span", { class: "nudge-letter-do" }, STOPPED.includes(state) && h("span", { class: "nudge-badge" }, t("case_letter_stopped")), h("button", { type: "button", class: "nudge-button nudge-quiet", "aria-describedby": title, onclick: () => this.anew(id) }, t("case_letter_anew"))),
    );
  }

  /** Opens a copy of a letter, which takes its place once it is sent. */
  async anew(letter) {
    const { t } = this.words;
    const draft = await this.page.attempt(() => this.page.ask("letters/copy", { letter }), this.lost, t("case_what_act"), t("case_kept"));
    if (draft) this.page.go({ view: "write", letter: draft.id, query: draft.selection });
  }
}
