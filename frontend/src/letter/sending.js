// Sending: asks once, shows how far it is, and can be stopped; what was sent by then stays sent.
import { h } from "../dashboard/dom.js";
import { NoAnswer } from "../dashboard/server.js";
import { aimed, reaches } from "./sentence.js";

/** Milliseconds between two looks how far it is. */
const OFTEN = 1000;
/** Milliseconds without a step after which it is said why. */
const STILL = 20000;

/** States in which more of a letter may go out. */
export const STOPPABLE = ["sending", "scheduled", "automatic"];

/** Whether a letter is being sent, or is about to be. */
export const underWay = (letter) =>
  (letter.state === "sending" && !waits(letter)) || (letter.state === "scheduled" && (!letter.at || Date.parse(letter.at) <= Date.now()));

/** Whether all that is left is that learners come and see a pop-up. */
export const waits = ({ state, counts }) => state === "sending" && counts.waiting > 0 && !sum(counts, TO_GO);

export class Sending {
  constructor(compose) {
    this.compose = compose;
    this.page = compose.page;
    this.words = compose.words;
    this.opener = h("button", { type: "button", class: "nudge-button nudge-strong", "data-send": "", onclick: () => this.ask() });
    this.node = h("section", { class: "nudge-sending", hidden: true, "aria-live": "polite" });
  }

  paint(found) {
    const { t, n } = this.words;
    const { fields } = this.compose.choices;
    const { at, automatic_until: until } = fields;
    const ready = found && !found.problems.length && (aimed(fields, found) > 0 || at || until);
    this.opener.textContent = at || until || !ready ? t("send_ask") : n("send_to", aimed(fields, found));
    this.opener.disabled = !ready;
  }

  reset() {
    clearTimeout(this.timer);
    this.letter = null;
    this.node.hidden = true;
    this.compose.tools.hidden = false;
    this.compose.form.inert = false;
  }

  /** The one question before it goes. */
  async ask(changed = "") {
    const { t } = this.words;
    if (!changed) await this.compose.look(true);
    const { found } = this.compose;
    if (this.opener.disabled && !changed) return;
    const yes = h("button", { type: "button", class: "nudge-button nudge-strong", "data-confirm": "", onclick: () => this.send(found) }, t("send_yes"));
    const no = h("button", { type: "button", class: "nudge-button", onclick: () => this.back() }, t("send_no"));
    const title = h("h3", { class: "nudge-finding nudge-minor", tabindex: "-1" }, t("send_sure", { subject: this.compose.subject.value }));
    this.node.replaceChildren(
      title,
      h("p", {}, [changed, reaches(this.words, this.compose.choices.fields, found)].filter(Boolean).join(" ")),
      h("div", { class: "nudge-tools" }, yes, no),
    );
    this.node.onkeydown = (event) => {
      if (event.key === "Escape") this.back();
    };
    this.node.hidden = false;
    this.compose.tools.hidden = true;
    title.focus();
    this.node.scrollIntoView({ block: "nearest" });
  }

  back() {
    this.reset();
    this.opener.focus();
  }

  async send({ matched: expected, digest }) {
    const { t } = this.words;
    const [yes] = this.node.querySelectorAll("button");
    yes.disabled = true;
    const saved = await this.compose.save();
    if (!saved) return this.back();
    try {
      const letter = await this.page.ask(`letters/${saved.id}/send`, { expected, digest });
      this.compose.store(null);
      return this.follow(letter);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (error.status === 409) {
        await this.compose.look(true);
        return this.ask(error.detail);
      }
      this.back();
      this.compose.trouble.replaceChildren(this.page.failed(error, t("what_send"), t("kept_letter")));
      return undefined;
    }
  }

  /** Shows how far a letter is, until it is done. */
  follow(letter) {
    clearTimeout(this.timer);
    this.letter = letter;
    this.compose.letter = letter;
    this.compose.tools.hidden = true;
    this.compose.form.inert = true;
    this.node.onkeydown = null;
    const fresh = this.node.hidden || this.shown !== this.standing(letter);
    this.node.hidden = false;
    if (fresh) this.draw(letter);
    this.fill(letter);
    if (underWay(letter)) this.timer = setTimeout(() => this.look(), OFTEN);
  }

  draw(letter) {
    const { t } = this.words;
    const can = STOPPABLE.includes(letter.state);
    this.shown = this.standing(letter);
    this.title = h("h3", { class: "nudge-finding nudge-minor", tabindex: "-1" }, this.state(letter));
    this.bar = underWay(letter) && h("progress", { max: 1, value: 0, "aria-label": t("state_sending") });
    this.counts = h("p", { class: "nudge-small" });
    const focused = this.node.contains(this.page.focused());
    this.node.replaceChildren(
      this.title,
      ...(this.bar ? [this.bar] : []),
      this.counts,
      h(
        "div",
        { class: "nudge-tools" },
        can && h("button", { type: "button", class: "nudge-button", "data-stop": "", onclick: () => this.stop() }, t("stop")),
        h("button", { type: "button", class: "nudge-button", onclick: () => this.page.go({ view: "sent", letter: letter.id }) }, t("look_at_letter")),
        !underWay(letter) && h("button", { type: "button", class: "nudge-button nudge-quiet", onclick: () => this.compose.anew() }, t("new_letter")),
      ),
    );
    if (focused || !this.page.focused()) this.title.focus();
  }

  standing(letter) {
    return `${letter.id} ${letter.state} ${waits(letter)}`;
  }

  state(letter) {
    const { t, moment, day } = this.words;
    return t(`told_${waits(letter) ? "waiting" : underWay(letter) ? "sending" : letter.state}`, { time: letter.at ? moment(letter.at) : "", day: letter.automatic_until ? day(letter.automatic_until) : "" });
  }

  fill(letter) {
    const said = tally(this.words, letter.counts).join(" · ");
    if (said !== this.said) [this.said, this.since] = [said, Date.now()];
    const held = underWay(letter) && sum(letter.counts, TO_GO) && Date.now() - this.since > STILL;
    this.counts.textContent = held ? `${said}. ${this.words.t("held_up")}` : said;
    if (!this.bar) return;
    const done = sum(letter.counts, DONE);
    this.bar.value = letter.matched ? Math.min(1, done / letter.matched) : 0;
  }

  async look() {
    try {
      this.follow(await this.page.ask(`letters/${this.letter.id}`));
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.counts.textContent = this.words.t("unheard");
      this.timer = setTimeout(() => this.look(), 3 * OFTEN);
    }
  }

  async stop() {
    const stopped = await this.compose.ask(() => this.page.ask(`letters/${this.letter.id}/stop`, {}));
    if (stopped) this.follow(stopped);
  }
}

const SAID = ["sent", "waiting", "seen", "to_go", "failed", "skipped", "opened", "clicked"];
const TO_GO = ["queued", "claimed", "handed"];
const DONE = ["sent", "waiting", "seen", "failed", "skipped"];

const sum = (counts, names) => names.reduce((total, name) => total + (counts[name] ?? 0), 0);

/** How many learners are where with a letter, in words; what nobody is in is not said. */
export function tally({ n }, counts) {
  const all = { ...counts, to_go: sum(counts, TO_GO) };
  const found = SAID.filter((name) => all[name]).map((name) => n(`count_${name}`, all[name]));
  return found.length ? found : [n("count_sent", 0)];
}
