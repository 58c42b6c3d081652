// The screen on which a letter is written: whom it reaches, its words, and the mail as a learner gets it.
import { fresh, h } from "../dashboard/dom.js";
import { Choices } from "./choices.js";
import { Editor } from "./editor.js";
import { Links } from "./links.js";
import { Preview } from "./preview.js";
import { Sending } from "./sending.js";
import { aimed, reaches, whom } from "./sentence.js";

/** Milliseconds after the last change until the preview is made anew. */
const PAUSE = 500;
/** Milliseconds for which what was counted is taken to hold while only words change. */
const HOLDS = 60000;
const FIELDS = ["firstname", "fullname", "course", "start", "end", "due"];
/** What is a list of its own and stands in the message alone. */
const LISTS = ["next_steps"];
const KEPT = "nudge-letter";

export class Compose {
  constructor(page) {
    Object.assign(this, { page, words: page.words, letter: null, found: null });
    this.node = h("div", { class: "nudge-compose" });
    this.build();
    this.senders();
    if (!page.state.letter) this.write(this.stored());
  }

  build() {
    const { t } = this.words;
    const id = fresh("subject");
    const changed = () => this.changed();
    this.heading = h("h2", { class: "nudge-finding", tabindex: "-1" });
    this.who = h("p", { class: "nudge-who-line" });
    this.few = h("p", { class: "nudge-note" });
    this.subject = h("input", { id, type: "text", class: "nudge-input nudge-own", maxlength: "200", autocomplete: "off", oninput: changed });
    this.editor = new Editor({ words: this.words, label: t("message"), changed, root: () => this.page.root });
    this.links = new Links({ words: this.words, changed, outline: () => this.page.ask("places").catch(() => null) });
    this.choices = new Choices({ words: this.words, changed });
    this.preview = new Preview(this);
    this.sending = new Sending(this);
    this.trouble = h("div", {});
    this.said = h("p", { class: "nudge-small", role: "status" });
    for (const field of [this.subject, this.editor.field]) field.addEventListener("focus", () => (this.last = field));
    const insert = [...FIELDS, ...LISTS].map((name) => h("button", { type: "button", class: "nudge-button", "data-field": name, onclick: () => this.insert(name) }, t(`field_${name}`)));
    this.form = h(
      "form",
      { class: "nudge-message", "aria-label": t("message"), onsubmit: (event) => event.preventDefault() },
      h("div", { class: "nudge-field" }, h("label", { for: id }, t("subject")), this.subject),
      h("div", { class: "nudge-field" }, h("span", { class: "nudge-question", "aria-hidden": "true" }, t("message")), this.editor.node),
      h("div", { class: "nudge-field", role: "group", "aria-label": t("insert") }, h("span", { class: "nudge-question" }, t("insert")), h("div", { class: "nudge-phrase-row" }, insert)),
      this.links.node,
      this.choices.node,
    );
    const test = h("button", { type: "button", class: "nudge-button", "data-test-mail": "", onclick: () => this.test() }, t("test"));
    const draft = h("button", { type: "button", class: "nudge-button", "data-draft": "", onclick: () => this.draft() }, t("keep_draft"));
    this.tools = h("div", { class: "nudge-tools nudge-compose-tools" }, this.sending.opener, test, draft, h("button", { type: "button", class: "nudge-button nudge-quiet", onclick: () => this.anew() }, t("new_letter")));
    this.node.replaceChildren(
      h("header", { class: "nudge-compose-head" }, this.heading, this.who, this.few),
      h("div", { class: "nudge-compose-body" }, this.form, this.preview.node),
      this.trouble,
      this.tools,
      this.sending.node,
      this.said,
    );
  }

  /** Called whenever the screen is gone to. */
  open() {
    const { letter, query } = this.page.state;
    if (letter && letter !== this.letter?.id) this.fetch(letter);
    else if (this.asked !== query) this.changed();
  }

  async senders() {
    const both = await this.ask(() => Promise.all([this.page.ask("senders"), this.page.ask("senders?for=reply_to")]));
    if (both) this.choices.addresses(...both);
  }

  async fetch(id) {
    const letter = await this.ask(() => this.page.ask(`letters/${id}`));
    if (!letter) return;
    this.letter = letter;
    this.page.chose(letter.selection);
    this.write(letter);
    if (letter.state !== "draft") this.sending.follow(letter);
  }

  // What is written

  write(letter) {
    this.subject.value = letter.subject ?? "";
    this.editor.html = letter.body ?? "";
    this.links.set(letter.links ?? []);
    this.choices.set(letter);
    this.changed();
  }

  get fields() {
    return { subject: this.subject.value, body: this.editor.html, links: this.links.list, selection: this.page.query, ...this.choices.fields };
  }

  /** What was being written in this tab, should the page have been left. */
  stored() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT + this.page.args.api)) ?? {};
    } catch {
      return {};
    }
  }

  store(fields) {
    try {
      if (fields) sessionStorage.setItem(KEPT + this.page.args.api, JSON.stringify(fields));
      else sessionStorage.removeItem(KEPT + this.page.args.api);
    } catch {
      // A browser that keeps nothing keeps it on the page at least.
    }
  }

  changed() {
    this.asked = this.page.query;
    this.store(this.fields);
    this.choices.paint();
    this.paint();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), PAUSE);
  }

  insert(name) {
    const text = `[:${name}:]`;
    if (this.last !== this.subject || LISTS.includes(name)) return this.editor.insert(text);
    const { selectionStart: from, selectionEnd: to } = this.subject;
    this.subject.setRangeText(text, from, to, "end");
    this.subject.focus();
    return this.changed();
  }

  /** Makes the preview anew; whom it reaches is counted where that may have changed, or must be certain. */
  async look(certain = false) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const { fields } = this;
    const about = JSON.stringify([fields.selection, this.letter?.id]);
    const count = certain || !this.found?.matched || about !== this.counted?.about || Date.now() - this.counted.at > HOLDS;
    this.preview.node.setAttribute("aria-busy", "true");
    try {
      const found = await this.page.ask("letters/preview", { ...fields, id: this.letter?.id, example: this.example, count });
      if (turn !== this.turn) return;
      if (count) this.counted = { about, at: Date.now() };
      this.found = count ? found : { ...this.found, ...Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null)) };
      this.example = this.found.example;
      this.preview.show(this.found);
      this.paint();
    } catch (error) {
      if (turn === this.turn) this.preview.fail(error);
    } finally {
      if (turn === this.turn) this.preview.node.removeAttribute("aria-busy");
    }
  }

  /** The sentence above message and preview, and whom it is about. */
  paint() {
    const { t, n, number } = this.words;
    const { query } = this.page;
    const { found } = this;
    this.heading.textContent = query ? reaches(this.words, this.choices.fields, found) : t("to_nobody");
    const change = h("a", { href: `#nudge-learners${query && `&${query}`}`, onclick: (event) => this.page.follow(event, "learners") }, t(query ? "change_whom" : "view_learners"));
    const all = h("button", { type: "button", class: "nudge-button", onclick: () => this.everyone() }, t("to_everyone"));
    this.who.replaceChildren(...(query ? [whom(this.words, query), " ", change] : [change, " ", all]));
    const { fields } = this.choices;
    const out = found ? found.matched - aimed(fields, found) : 0;
    const why = fields.channel === "mail" ? "out_of_reach" : "out_of_sight";
    this.few.textContent = query && out ? n(why, out, { all: number(found.matched) }) : "";
    this.sending.paint(found);
  }

  everyone() {
    this.page.chose("everyone=1");
    this.changed();
    this.subject.focus();
  }

  // What is done with it

  /** Keeps the draft on the server; answers it, or null where that failed. */
  async save() {
    const mine = this.letter?.state === "draft" && this.letter;
    const saved = await this.ask(async () => {
      try {
        return await (mine ? this.page.ask(`letters/${mine.id}`, { ...this.fields, seen: mine.updated }, "PATCH") : this.page.ask("letters", this.fields));
      } catch (error) {
        if (error.answer?.error?.code !== "overtaken") throw error;
        this.overtaken(error.detail, mine.id);
        return null;
      }
    });
    if (!saved) return null;
    this.letter = saved;
    this.page.state.letter = saved.id;
    this.page.keep();
    return saved;
  }

  /** Somebody else changed the draft: both versions are kept until one is chosen. */
  overtaken(said, id) {
    const { t } = this.words;
    const anew = () => {
      this.letter = null;
      this.page.state.letter = null;
      return this.draft();
    };
    this.trouble.replaceChildren(
      h(
        "div",
        { class: "nudge-failed", role: "alert" },
        h("strong", {}, said),
        h("p", {}, t("overtaken_kept")),
        h(
          "div",
          { class: "nudge-tools" },
          h("button", { type: "button", class: "nudge-button", "data-mine": "", onclick: anew }, t("overtaken_mine")),
          h("button", { type: "button", class: "nudge-button", "data-theirs": "", onclick: () => this.fetch(id) }, t("overtaken_theirs")),
        ),
      ),
    );
  }

  async draft() {
    if (await this.save()) this.said.textContent = this.words.t("draft_kept");
  }

  async test() {
    const { t } = this.words;
    this.said.textContent = t("test_going");
    const sent = await this.ask(() => this.page.ask("letters/test", this.fields));
    this.said.textContent = sent ? t("test_gone", { address: sent.sent_to }) : "";
  }

  /** Begins another letter to the same learners. */
  anew() {
    this.letter = null;
    this.page.state.letter = null;
    this.page.keep();
    this.sending.reset();
    this.said.textContent = "";
    this.trouble.replaceChildren();
    this.write({});
    this.subject.focus();
  }

  /** Does something with the server; says what went wrong, and answers null then. */
  async ask(act) {
    const { t } = this.words;
    return this.page.attempt(act, this.trouble, t("what_letter"), t("kept_letter"));
  }
}
