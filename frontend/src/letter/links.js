// Places in the course that are attached to a letter as links below it.
import { fresh, h } from "../dashboard/dom.js";

/** Pages of every course; any other place is named by its usage key or address. */
const PAGES = ["course", "progress", "dates", "discussion", "certificate"];
const MOST = 10;

export class Links {
  /** outline(): resolves to the sections of the course and their places; null where they cannot be told. */
  constructor({ words, changed, outline }) {
    Object.assign(this, { words, changed, outline });
    this.list = [];
    const { t } = words;
    const ids = [fresh("place"), fresh("other"), fresh("label")];
    this.rows = h("ul", { class: "nudge-links" });
    this.page = h("select", { id: ids[0], class: "nudge-input", onchange: () => this.offer() }, [...PAGES, "other"].map((name) => h("option", { value: name }, t(`place_${name}`))));
    this.other = h("input", { id: ids[1], type: "text", class: "nudge-input", autocomplete: "off", placeholder: "block-v1:…" });
    this.label = h("input", { id: ids[2], type: "text", class: "nudge-input", maxlength: "200", autocomplete: "off" });
    this.otherLine = h("div", { class: "nudge-field" }, h("label", { for: ids[1] }, t("place_key")), this.other);
    this.form = h(
      "div",
      { class: "nudge-links-form", hidden: true },
      h("div", { class: "nudge-field" }, h("label", { for: ids[0] }, t("place")), this.page),
      this.otherLine,
      h("div", { class: "nudge-field" }, h("label", { for: ids[2] }, t("place_label")), this.label),
      h("div", { class: "nudge-tools" }, h("button", { type: "button", class: "nudge-button nudge-strong", onclick: () => this.add() }, t("place_add")), h("button", { type: "button", class: "nudge-button", onclick: () => this.close() }, t("cancel"))),
    );
    this.form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
      if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
      event.preventDefault();
      this.add();
    });
    this.opener = h("button", { type: "button", class: "nudge-button", onclick: () => this.begin() }, t("place_begin"));
    this.node = h("div", { class: "nudge-field", role: "group", "aria-label": t("places") }, h("span", { class: "nudge-question" }, t("places")), this.rows, this.opener, this.form);
  }

  begin() {
    this.form.hidden = false;
    this.opener.hidden = true;
    this.sections();
    this.page.value = PAGES[0];
    this.other.value = "";
    this.offer();
    this.page.focus();
  }

  /** Offers what the course holds, once it is known. */
  async sections() {
    if (this.asked) return;
    this.asked = true;
    const found = await this.outline();
    this.asked = Boolean(found);
    for (const { title, places } of found ?? []) {
      const inside = places.map(({ url, label }) => h("option", { value: url }, label));
      this.page.lastChild.before(h("optgroup", { label: title }, inside));
    }
  }

  close() {
    this.form.hidden = true;
    this.opener.hidden = this.list.length >= MOST;
    this.opener.focus();
  }

  /** A page's own name is offered as the words of its link. */
  offer() {
    const own = this.page.value === "other";
    this.otherLine.hidden = !own;
    this.label.value = own ? "" : this.page.selectedOptions[0].textContent;
  }

  add() {
    const url = this.page.value === "other" ? this.other.value.trim() : this.page.value;
    const label = this.label.value.trim();
    if (!url || !label) {
      (url ? this.label : this.other).focus();
      return;
    }
    this.set([...this.list, { label, url }]);
    this.close();
    this.changed();
  }

  set(list) {
    this.list = list;
    const { t } = this.words;
    this.opener.hidden = list.length >= MOST;
    this.rows.replaceChildren(
      ...list.map((link) => {
        const gone = () => {
          this.set(this.list.filter((other) => other !== link));
          this.opener.focus();
          this.changed();
        };
        return h("li", {}, h("span", { class: "nudge-own" }, link.label), h("button", { type: "button", class: "nudge-button nudge-quiet", "aria-label": t("place_remove", { label: link.label }), onclick: gone }, t("remove")));
      }),
    );
  }
}
