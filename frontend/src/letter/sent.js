// What has been written in this course: by whom, when, to whom and why, and what became of it.
import { fresh, h } from "../dashboard/dom.js";
import { Deliveries } from "./deliveries.js";
import { STOPPABLE, tally, underWay, waits } from "./sending.js";
import { whom } from "./sentence.js";

/** Milliseconds between two looks while a letter is under way. */
const OFTEN = 2000;
/** Lines of the audit in one answer. */
const CALLS = 200;

export class Sent {
  constructor(page) {
    Object.assign(this, { page, words: page.words });
    const { t } = this.words;
    this.heading = h("h2", { class: "nudge-finding", tabindex: "-1" }, t("letters"));
    this.trouble = h("div", {});
    this.list = h("ol", { class: "nudge-letters" });
    this.csv = h("a", { class: "nudge-button nudge-quiet", href: page.address("letters.csv"), download: "" }, t("csv"));
    this.node = h("div", { class: "nudge-sent" }, h("div", { class: "nudge-bar" }, this.heading, h("div", { class: "nudge-tools" }, this.csv, page.copy())), this.trouble, this.list, this.earlier(), this.calls());
  }

  open() {
    this.load();
  }

  async load() {
    clearTimeout(this.timer);
    const { t } = this.words;
    if (!this.list.childElementCount) this.trouble.replaceChildren(this.page.waiting(t("waiting_letters")));
    try {
      const found = await this.page.ask("letters");
      this.trouble.replaceChildren();
      this.draw(found);
    } catch (error) {
      this.trouble.replaceChildren(this.page.failed(error, t("what_letters"), t("kept_letters"), () => this.load()));
    }
  }

  draw(letters) {
    const { t } = this.words;
    this.csv.hidden = !letters.length;
    if (!letters.length) {
      this.list.replaceChildren(h("li", { class: "nudge-empty" }, h("p", {}, t("no_letters")), h("button", { type: "button", class: "nudge-button nudge-strong", onclick: () => this.page.go({ view: "write", letter: null }) }, t("view_write"))));
      return;
    }
    const focused = this.page.focused();
    const mark = focused && this.list.contains(focused) ? [focused.closest("li")?.dataset.letter, focused.dataset.act] : null;
    const open = new Set([...this.list.querySelectorAll("li[data-open]")].map((item) => item.dataset.letter));
    this.list.replaceChildren(...letters.map((letter) => this.one(letter, open.has(String(letter.id)) || letter.id === this.page.state.letter)));
    if (mark) this.list.querySelector(`[data-letter="${mark[0]}"] [data-act="${mark[1]}"]`)?.focus();
    if (letters.some(underWay)) this.timer = setTimeout(() => !this.node.hidden && this.node.isConnected && this.load(), OFTEN);
  }

  one(letter, opened) {
    const { t } = this.words;
    const title = fresh("letter");
    const act = (name, does, strong) => h("button", { type: "button", class: `nudge-button${strong ? " nudge-strong" : ""}`, "data-act": name, "aria-describedby": title, onclick: does }, t(name));
    const draft = letter.state === "draft";
    const panel = h("div", { class: "nudge-deliveries", id: fresh("deliveries"), hidden: true });
    const item = h("li", { class: "nudge-letter", "data-letter": letter.id });
    const look = act("who_got_it", () => this.look(letter, panel, look, item));
    look.setAttribute("aria-controls", panel.id);
    look.setAttribute("aria-expanded", "false");
    item.append(
      h("div", { class: "nudge-letter-head" }, h("h3", { class: "nudge-letter-title nudge-own", id: title }, letter.subject || t("no_subject")), h("span", { class: `nudge-badge nudge-letter-${letter.state}` }, waits(letter) ? t("state_waiting") : letter.words)),
      h("p", { class: "nudge-small" }, this.told(letter)),
      h("p", { class: "nudge-letter-whom" }, whom(this.words, letter.selection)),
      draft ? "" : h("p", { class: "nudge-letter-counts" }, tally(this.words, letter.counts).join(" · ")),
      h(
        "div",
        { class: "nudge-tools" },
        draft && act("go_on", () => this.page.go({ view: "write", letter: letter.id, query: letter.selection }), true),
        STOPPABLE.includes(letter.state) && act("stop", () => this.change(letter, "stop")),
        !draft && look,
        !draft && act("use_again", () => this.copy({ letter: letter.id })),
        (letter.state === "sent" || letter.state === "stopped") && act("send_rest", () => this.copy({ letter: letter.id, resend: true })),
        draft && act("throw_away", () => this.remove(letter)),
      ),
      panel,
    );
    if (opened && !draft) this.look(letter, panel, look, item);
    return item;
  }

  told({ author, state, confirmed, created, at, automatic_until: until, channel, reused_from: from }) {
    const { t, moment, day } = this.words;
    const ahead = state === "scheduled" && Date.parse(at) > Date.now();
    return [
      author ? t("by", { name: author, time: moment(confirmed ?? created) }) : moment(confirmed ?? created),
      t(`channel_${channel}`),
      ahead && t("due_at", { time: moment(at) }),
      until && t("due_daily", { day: day(until) }),
      from && t("copied_from"),
    ]
      .filter(Boolean)
      .join(" · ");
  }

  async look(letter, panel, button, item) {
    const open = panel.hidden;
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    item.toggleAttribute("data-open", open);
    if (open) await new Deliveries(this, panel).load(letter);
  }

  async change(letter, what) {
    if (await this.ask(() => this.page.ask(`letters/${letter.id}/${what}`, {}))) await this.load();
  }

  async remove(letter) {
    await this.ask(() => this.page.ask(`letters/${letter.id}`, undefined, "DELETE"));
    await this.load();
    this.heading.focus();
  }

  /** Makes a new draft of an older letter and opens it. */
  async copy(body) {
    const draft = await this.ask(() => this.page.ask("letters/copy", body));
    if (draft) this.page.go({ view: "write", letter: draft.id, query: draft.selection });
  }

  /** Letters of an earlier run of the course, to be carried over. */
  earlier() {
    const { t } = this.words;
    const id = fresh("run");
    const run = h("input", { id, type: "text", class: "nudge-input", autocomplete: "off", placeholder: "course-v1:…" });
    const found = h("ol", { class: "nudge-letters" });
    const show = async (event) => {
      event.preventDefault();
      const course = run.value.trim();
      if (!course) return run.focus();
      const letters = await this.ask(() => this.page.ask(`../${encodeURIComponent(course)}/letters`));
      if (!letters) return undefined;
      return found.replaceChildren(
        ...letters.map((letter) =>
          h(
            "li",
            { class: "nudge-letter" },
            h("h4", { class: "nudge-letter-title nudge-own" }, letter.subject || t("no_subject")),
            h("p", { class: "nudge-letter-whom" }, whom(this.words, letter.selection)),
            h("button", { type: "button", class: "nudge-button", onclick: () => this.copy({ letter: letter.id, course }) }, t("use_again")),
          ),
        ),
        letters.length ? "" : h("li", { class: "nudge-note" }, t("no_letters_there")),
      );
    };
    return h(
      "details",
      { class: "nudge-earlier" },
      h("summary", {}, t("earlier_run")),
      h("form", { class: "nudge-save", onsubmit: show }, h("label", { for: id }, t("earlier_key")), run, h("button", { type: "submit", class: "nudge-button" }, t("earlier_show"))),
      found,
    );
  }

  /** Who did what on these screens, fetched when it is wanted. */
  calls() {
    const { t, n, moment } = this.words;
    const body = h("tbody", {});
    const head = h("thead", {}, h("tr", {}, ["when_sent", "who", "what"].map((name) => h("th", { scope: "col" }, t(name)))));
    const figures = h("div", { class: "nudge-figures nudge-calls", tabindex: "0", role: "group", "aria-label": t("calls") }, h("table", {}, h("caption", {}, t("calls")), head, body));
    const id = fresh("looks");
    const load = async (before) => {
      const rows = await this.ask(() => this.page.ask(`audit?looks=${Number(looks.checked)}${before ? `&before=${before}` : ""}`));
      if (!rows) return;
      const drawn = rows.map((row) =>
        h("tr", { "data-n": row.n }, h("th", { scope: "row" }, moment(row.at)), h("td", {}, row.who || t("somebody")), h("td", {}, row.times > 1 ? `${row.words} (${n("times", row.times)})` : row.words)),
      );
      if (before) body.append(...drawn);
      else body.replaceChildren(...drawn);
      more.hidden = rows.length < CALLS;
    };
    const looks = h("input", { id, type: "checkbox", onchange: () => load() });
    const more = h("button", { type: "button", class: "nudge-button", hidden: true, onclick: () => load(body.lastElementChild.dataset.n) }, t("more_rows"));
    const node = h("details", { class: "nudge-earlier" }, h("summary", {}, t("calls")), h("div", { class: "nudge-radio" }, looks, h("label", { for: id }, t("calls_looks"))), figures, more);
    node.addEventListener("toggle", () => node.open && load());
    return node;
  }

  async ask(act) {
    const { t } = this.words;
    return this.page.attempt(async () => (await act()) ?? true, this.trouble, t("what_letter"), t("kept_letters"));
  }
}
