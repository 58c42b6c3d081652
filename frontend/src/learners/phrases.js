// Selections in words: the ready ones, and those that the course's team has saved.
import { fresh, h } from "../dashboard/dom.js";
import { nobody, query } from "./selection.js";

const pressed = (button, on) => button.setAttribute("aria-pressed", String(on));

/** The ready phrases, with everyone as the last of them. */
export function presets(choice) {
  const { t } = choice.words;
  const all = [...choice.learners.presets, { key: "everyone", words: t("everyone"), query: "everyone=1" }];
  const buttons = all.map((preset) => {
    const meant = query(choice.read(preset.query));
    const click = () => choice.take(choice.model.query === meant ? nobody() : choice.read(meant));
    return { meant, node: h("button", { type: "button", class: "nudge-phrase", "aria-pressed": "false", "data-preset": preset.key, onclick: click }, preset.words) };
  });
  const node = h("div", { class: "nudge-phrase-row", role: "group", "aria-label": t("presets") }, buttons.map((button) => button.node));
  return { node, paint: () => buttons.forEach((button) => pressed(button.node, choice.model.query === button.meant)) };
}

/** The team's own selections: chosen with a click, saved under a name, deleted. */
export class Saved {
  constructor(choice) {
    this.choice = choice;
    this.list = [];
    const { t } = choice.words;
    const id = fresh("name");
    this.row = h("div", { class: "nudge-phrase-row", role: "group", "aria-label": t("saved") });
    this.name = h("input", { id, type: "text", class: "nudge-input", maxlength: "80", required: true, autocomplete: "off" });
    this.form = h(
      "form",
      { class: "nudge-save", hidden: true, onsubmit: (event) => this.save(event) },
      h("label", { for: id }, t("save_name")),
      this.name,
      h("button", { type: "submit", class: "nudge-button nudge-strong" }, t("save")),
      h("button", { type: "button", class: "nudge-button", onclick: () => this.close() }, t("cancel")),
    );
    this.opener = h("button", { type: "button", class: "nudge-button nudge-quiet", "aria-expanded": "false", onclick: () => this.begin() }, t("save_selection"));
    this.trouble = h("p", { class: "nudge-alarm", role: "alert" });
    this.form.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    this.node = h("div", { class: "nudge-saved" }, this.row, this.opener, this.form, this.trouble);
    this.load();
  }

  async load() {
    const found = await this.choice.ask("selections");
    if (!found) return;
    this.list = found.selections ?? found;
    this.draw();
  }

  draw() {
    const { t } = this.choice.words;
    this.buttons = this.list.map((one) => {
      const click = () => this.choice.take(this.choice.model.query === one.query ? nobody() : this.choice.read(one.query));
      const main = h("button", { type: "button", class: "nudge-phrase", onclick: click }, one.name);
      const gone = h("button", { type: "button", class: "nudge-phrase-gone", "aria-label": t("delete_of", { name: one.name }), onclick: () => this.remove(one) }, "×");
      return { one, main, node: h("span", { class: "nudge-phrase-pair" }, main, gone) };
    });
    this.row.replaceChildren(...this.buttons.map(({ node }) => node));
    this.paint();
  }

  paint() {
    const { query: now } = this.choice.model;
    for (const { one, main } of this.buttons ?? []) pressed(main, now === one.query);
    this.opener.hidden = !this.form.hidden || !now || this.list.some((one) => one.query === now);
  }

  begin() {
    this.form.hidden = false;
    this.trouble.textContent = "";
    this.opener.setAttribute("aria-expanded", "true");
    this.paint();
    this.name.focus();
  }

  close() {
    this.form.hidden = true;
    this.opener.setAttribute("aria-expanded", "false");
    this.name.value = "";
    this.paint();
    this.opener.focus();
  }

  async save(event) {
    event.preventDefault();
    const { t } = this.choice.words;
    const name = this.name.value.trim();
    if (!name) return;
    this.trouble.textContent = "";
    try {
      const one = await this.choice.page.ask("selections", { name, query: this.choice.model.query });
      this.list = [...this.list.filter(({ n }) => n !== one.n), one];
      this.close();
      this.draw();
      this.buttons[this.buttons.length - 1].main.focus();
      this.choice.page.announce(t("saved_as", { name }));
    } catch (error) {
      this.trouble.textContent = [t(`why_${error.why}`), error.detail].filter(Boolean).join(" ");
    }
  }

  async remove(one) {
    const { t } = this.choice.words;
    this.trouble.textContent = "";
    try {
      await this.choice.page.ask(`selections/${one.n}`, undefined, "DELETE");
      const place = this.list.indexOf(one);
      this.list = this.list.filter((other) => other !== one);
      this.draw();
      (this.buttons[Math.min(place, this.list.length - 1)]?.main ?? this.choice.heading).focus();
      this.choice.page.announce(t("deleted", { name: one.name }));
    } catch (error) {
      this.trouble.textContent = [t(`why_${error.why}`), error.detail].filter(Boolean).join(" ");
    }
  }
}
