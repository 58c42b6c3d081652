// From whom a letter comes, by which way it goes, and when.
import { fresh, h } from "../dashboard/dom.js";

const CHANNELS = ["mail", "nudge", "nudge_then_mail"];
const TIMES = ["now", "at", "daily"];
const DAY = 86400000;

/** A moment as the field for one writes it, in the browser's own time. */
const local = (time) => new Date(time - new Date(time).getTimezoneOffset() * 60000).toISOString().slice(0, 16);

export class Choices {
  constructor({ words, changed }) {
    Object.assign(this, { words, changed });
    const { t } = words;
    const name = fresh("choice");
    this.sender = this.select("sender");
    this.reply = this.select("reply_to");
    this.days = h("input", { type: "number", class: "nudge-input nudge-short", min: "1", max: "60", value: "3", "aria-label": t("wait_days"), oninput: changed });
    this.at = h("input", { type: "datetime-local", class: "nudge-input", "aria-label": t("time_of"), oninput: changed });
    this.until = h("input", { type: "date", class: "nudge-input", "aria-label": t("until"), oninput: changed });
    this.channels = this.radios(`${name}c`, CHANNELS, "channel", { nudge_then_mail: this.days });
    this.times = this.radios(`${name}t`, TIMES, "time", { at: this.at, daily: this.until });
    this.node = h(
      "div",
      { class: "nudge-choices" },
      this.sender.node,
      this.reply.node,
      h("fieldset", { class: "nudge-field" }, h("legend", {}, t("channel")), this.channels.map(({ node }) => node)),
      h("fieldset", { class: "nudge-field" }, h("legend", {}, t("when")), this.times.map(({ node }) => node)),
    );
    this.set({});
  }

  select(name) {
    const id = fresh(name);
    const list = h("select", { id, class: "nudge-input nudge-own", onchange: this.changed });
    return { list, node: h("div", { class: "nudge-field" }, h("label", { for: id }, this.words.t(name)), list) };
  }

  radios(group, values, kind, beside) {
    return values.map((value) => {
      const id = fresh(value);
      const input = h("input", { id, type: "radio", name: group, value, onchange: () => this.changed() });
      const more = beside[value];
      return { value, input, more, node: h("div", { class: "nudge-radio" }, input, h("label", { for: id }, this.words.t(`${kind}_${value}`)), more) };
    });
  }

  /** Fills in the addresses there are; what was chosen before stays so. */
  addresses(senders, answers) {
    for (const [{ list }, found, wanted] of [[this.sender, senders, this.wanted.sender], [this.reply, answers, this.wanted.reply_to]]) {
      list.replaceChildren(...found.map((address) => h("option", { value: address }, address)));
      if (found.includes(wanted)) list.value = wanted;
    }
    this.drop();
    this.changed();
  }

  set({ sender, reply_to: reply, channel = "mail", wait_days: days = 3, at = null, automatic_until: until = null }) {
    this.wanted = { sender, reply_to: reply };
    if (sender) this.sender.list.value = sender;
    if (reply) this.reply.list.value = reply;
    this.drop();
    for (const { value, input } of this.channels) input.checked = value === channel;
    for (const { value, input } of this.times) input.checked = value === (at ? "at" : until ? "daily" : "now");
    this.days.value = days;
    this.at.value = at ? local(Date.parse(at)) : "";
    this.until.value = until ?? "";
    this.paint();
  }

  /** Another's own address, or one that the course has no more, makes room for the usual one. */
  drop() {
    for (const { list } of [this.sender, this.reply]) if (list.options.length && list.selectedIndex < 0) list.selectedIndex = 0;
  }

  chosen(list) {
    return list.find(({ input }) => input.checked).value;
  }

  /** What belongs to a choice is there only with it, and begins with something sensible. */
  paint() {
    for (const { input, more } of [...this.channels, ...this.times]) if (more) more.hidden = !input.checked;
    const time = this.chosen(this.times);
    if (time === "at" && !this.at.value) this.at.value = `${local(Date.now() + DAY).slice(0, 11)}09:00`;
    if (time === "daily" && !this.until.value) this.until.value = local(Date.now() + 30 * DAY).slice(0, 10);
    const mailed = this.chosen(this.channels) !== "nudge";
    this.sender.node.hidden = this.reply.node.hidden = !mailed;
  }

  get fields() {
    const time = this.chosen(this.times);
    return {
      sender: this.sender.list.value || this.wanted.sender || "",
      reply_to: this.reply.list.value || this.wanted.reply_to || "",
      channel: this.chosen(this.channels),
      wait_days: Math.min(60, Math.max(1, Number(this.days.value) || 3)),
      at: time === "at" && this.at.value ? new Date(this.at.value).toISOString() : null,
      automatic_until: time === "daily" && this.until.value ? this.until.value : null,
    };
  }
}
