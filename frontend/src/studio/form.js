// The form: holds what is edited, shows it as the learner will see it, and saves it.
import { el, shadow } from "../popup/dom.js";
import { draw } from "../popup/preview.js";
import { answer, post } from "../popup/server.js";
import * as draft from "./draft.js";
import { button, choice, labelled, number, text as line, tick } from "./fields.js";
import css from "./form.shadow.css";
import { sentence } from "./sentence.js";
import { EMPTY, editor, tabs } from "./wordings.js";

const PAUSE = 500;
const clone = (value) => JSON.parse(JSON.stringify(value));

export class Form {
  constructor(mount, { fields, items, key }, text, { url, notify }) {
    Object.assign(this, { mount, items, key, text, url, notify, current: 0, timer: 0, asked: 0 });
    this.fields = fields;
    if (!fields.variants.length) fields.variants.push({ ...EMPTY });
    this.saved = clone(fields);
  }

  get dirty() {
    return JSON.stringify(this.fields) !== JSON.stringify(this.saved);
  }

  open() {
    const { text } = this;
    this.mount.replaceChildren();
    this.root = shadow(this.mount, css);
    this.rule = el("div", { className: "rule" });
    this.tabs = el("div");
    this.editor = el("div");
    this.preview = el("div", { className: "stage" });
    this.warnings = el("div", { className: "warnings", role: "status" });
    this.notice = el("div", { className: "notice", role: "status" });
    this.alert = el("p", { className: "alert", role: "alert" });
    this.bar = el("div", { className: "bar" });
    const heading = (words) => el("h2", { textContent: words });
    this.root.append(
      el(
        "div",
        { className: "form" },
        this.notice,
        el("section", {}, heading(text.rule), this.rule, this.warnings),
        el(
          "div",
          { className: "columns" },
          el("section", { className: "writing" }, heading(text.message), this.tabs, this.editor, this.starters()),
          el("section", { className: "showing" }, heading(text.preview), this.looks(), this.preview),
        ),
        this.more(),
        el("div", { className: "end" }, this.alert, this.bar),
      ),
    );
    this.ends();
    this.drawAll();
    this.remember();
    this.check();
    addEventListener("beforeunload", (event) => {
      if (this.dirty && this.mount.isConnected) event.preventDefault();
    });
  }

  drawAll() {
    this.drawRule();
    this.drawWordings();
    if (this.details) this.details.replaceWith(this.more());
  }

  drawRule() {
    this.rule.replaceChildren(
      sentence(this, (again) => {
        this.changed();
        if (!again) return;
        this.drawRule();
        this.rule.querySelector("select").focus();
      }),
    );
    this.rule.append(el("p", { className: "error", hidden: true }));
  }

  drawWordings() {
    this.tabs.replaceChildren(tabs(this));
    this.editor.replaceChildren(editor(this));
    this.mark(this.errors || {});
    this.drawPreview();
  }

  drawPreview() {
    const { heading, body, action_label: label, action_url: url } = this.fields.variants[this.current];
    const action = label ? { label, url: url || "#" } : null;
    const { text } = this;
    draw(this.preview, { heading: heading || text.heading_hint, body: body || text.body_hint, action }, text);
  }

  /** Phone or computer, light or dark: the card does the rest by itself. */
  looks() {
    const { text, preview } = this;
    const toggle = (name, off, on) => {
      const made = button(off, "link", () => {
        const is = made.getAttribute("aria-pressed") !== "true";
        made.setAttribute("aria-pressed", String(is));
        if (name === "phone") preview.classList.toggle("phone", is);
        else preview.dataset.scheme = is ? "dark" : "light";
        preview.classList.toggle("dark", preview.dataset.scheme === "dark");
        this.drawPreview();
      });
      made.setAttribute("aria-pressed", "false");
      made.textContent = on;
      return made;
    };
    preview.dataset.scheme = "light";
    return el(
      "div",
      { className: "looks" },
      toggle("phone", text.preview_wide, text.preview_phone),
      toggle("dark", text.preview_light, text.preview_dark),
    );
  }

  /** Ready messages by situation, those for the chosen moment first. */
  starters() {
    const { text } = this;
    const use = (starter) => {
      const variant = this.fields.variants[this.current];
      const before = { ...variant };
      const kind = this.fields.kind;
      const { heading, body, action_label } = starter;
      Object.assign(variant, { heading, body, action_label });
      this.fields.kind = starter.kind;
      this.changed();
      this.drawAll();
      this.offer(text.starter_used, text.starter_undo, () => {
        Object.assign(variant, before);
        this.fields.kind = kind;
        this.changed();
        this.drawAll();
      });
      this.root.querySelector(".write.heading").focus();
    };
    const made = text.starters.map((starter) =>
      el(
        "button",
        { type: "button", className: "starter", onclick: () => use(starter) },
        el("span", { className: "situation", textContent: starter.situation }),
        el("strong", { textContent: starter.heading }),
        el("span", { textContent: starter.body }),
      ),
    );
    const list = el("div", { className: "starters" });
    const order = () => {
      const fits = (index) => (text.starters[index].when === this.fields.when ? 0 : 1);
      list.append(...made.map((node, index) => [node, index]).sort((a, b) => fits(a[1]) - fits(b[1])).map(([node]) => node));
    };
    const details = el("details", { className: "ready" }, el("summary", { textContent: text.starters_title }), list);
    details.addEventListener("toggle", order);
    details.open = !this.fields.variants.some((variant) => variant.heading || variant.body);
    order();
    return details;
  }

  more() {
    const { text, fields } = this;
    const set = (name) => (value) => {
      fields[name] = value;
      this.changed();
    };
    const pick = (name, names) => choice(fields[name], Object.entries(names), set(name), { className: "plain" });
    const open = this.details ? this.details.open : false;
    this.details = el(
      "details",
      { className: "more", open },
      el("summary", { textContent: text.settings }),
      el(
        "div",
        { className: "grid" },
        labelled(line(fields.display_name, set("display_name"), { className: "plain" }), "title", text.title),
        labelled(pick("kind", text.kinds), "kind", text.kind),
        labelled(pick("audience", text.audiences), "audience", text.audience),
      ),
      el("div", { className: "grid aim" }, ...this.aim(set, pick)),
      el(
        "div",
        { className: "ticks" },
        tick(fields.enabled, text.enabled, set("enabled")),
        tick(fields.may_retire, text.may_retire, set("may_retire")),
      ),
    );
    return this.details;
  }

  /** What counts as success and, where days count, how many of them. */
  aim(set, pick) {
    const { text, fields } = this;
    const objective = pick("objective", text.objectives);
    objective.addEventListener("change", () => {
      const before = this.details;
      before.replaceWith(this.more());
      this.details.querySelector("[data-path=objective]").focus();
    });
    const aim = [labelled(objective, "objective", text.objective)];
    if (fields.objective !== "items") return aim;
    const limits = { min: 1, max: 60, step: 1, label: text.objective_days };
    const days = number(fields.objective_days, set("objective_days"), limits);
    days.className = "plain";
    return [...aim, labelled(days, "objective_days", text.objective_days)];
  }

  /** Says something and offers one thing to do about it. */
  offer(words, label, act, other = null) {
    const done = (then) => () => {
      this.notice.replaceChildren();
      then();
    };
    this.notice.replaceChildren(
      el("span", { textContent: words }),
      button(label, "link", done(act)),
      ...(other ? [button(other[0], "link", done(other[1]))] : []),
    );
  }

  /** Brings back, if the author wants it, what an earlier visit did not save. */
  remember() {
    const { text } = this;
    const left = draft.recall(this.key);
    if (!left || JSON.stringify(left.fields) === JSON.stringify(this.saved)) return;
    const when = new Date(left.at).toLocaleString(document.documentElement.lang || undefined, {
      dateStyle: "medium",
      timeStyle: "short",
    });
    const bring = () => {
      Object.assign(this.fields, left.fields);
      this.current = 0;
      this.drawAll();
      this.changed();
    };
    this.offer(text.draft.replace("%(when)s", when), text.draft_use, bring, [text.draft_drop, () => draft.drop(this.key)]);
  }

  changed() {
    this.drawPreview();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.dirty) draft.keep(this.key, this.fields);
      this.check();
    }, PAUSE);
  }

  /** Asks the server what would be wrong.  Errors wait for the author to save; warnings are shown as they come. */
  async check() {
    const asked = (this.asked += 1);
    const told = await answer(this.url, { ...this.fields, check: true });
    if (!told || asked !== this.asked) return;
    this.warn(told.warnings);
    if (this.errors) this.mark((this.errors = told.errors));
    if (told.ok) this.alert.textContent = "";
  }

  warn(warnings) {
    const key = JSON.stringify(warnings);
    if (this.warned === key) return;
    this.warned = key;
    this.warnings.replaceChildren(
      ...(warnings.length ? [el("strong", { textContent: this.text.warnings })] : []),
      ...warnings.map((words) => el("p", { textContent: words })),
    );
  }

  /** Puts each error at its field; answers whether the first one could be given the focus. */
  mark(errors) {
    for (const control of this.root.querySelectorAll("[data-path]")) {
      const message = errors[control.dataset.path] || "";
      const holder = control.closest(".field, .rule");
      const error = holder && holder.querySelector(".error");
      control.toggleAttribute("aria-invalid", false);
      if (message) control.setAttribute("aria-invalid", "true");
      if (error && (message || holder.matches(".field"))) {
        error.textContent = message;
        error.hidden = !message;
      }
    }
    if (!Object.keys(errors).some((path) => path.startsWith("trigger."))) this.rule.querySelector(".error").hidden = true;
  }

  refuse(errors) {
    this.errors = errors;
    const paths = Object.keys(errors);
    const wording = paths.map((path) => path.match(/^variants\.(\d+)/)).find(Boolean);
    const here = paths.some((path) => path.startsWith(`variants.${this.current}.`));
    if (wording && !here) this.current = Number(wording[1]);
    if (paths.some((path) => ["title", "kind", "audience", "objective", "objective_days"].includes(path))) this.details.open = true;
    this.drawWordings();
    const general = paths.filter((path) => !this.root.querySelector(`[data-path="${path}"]`)).map((path) => errors[path]);
    this.alert.textContent = [this.text.fix, ...general].join(" ");
    const first = this.root.querySelector("[aria-invalid=true]");
    if (first) first.focus();
  }

  ends() {
    const { text } = this;
    this.save = button(text.save, "primary", () => this.submit());
    this.bar.replaceChildren(this.save, button(text.cancel, "link", () => this.cancel()));
  }

  cancel() {
    const { text } = this;
    const leave = () => {
      draft.drop(this.key);
      this.saved = this.fields;
      this.notify("cancel", {});
    };
    if (!this.dirty) {
      leave();
      return;
    }
    const stay = button(text.leave_no, "primary", () => {
      this.ends();
      this.save.focus();
    });
    this.bar.replaceChildren(el("span", { textContent: text.leave }), stay, button(text.leave_yes, "link", leave));
    stay.focus();
  }

  async submit() {
    const { text } = this;
    clearTimeout(this.timer);
    this.asked += 1;
    this.save.disabled = true;
    this.save.textContent = text.saving;
    try {
      const response = await post(this.url, this.fields);
      const told = response.ok ? await response.json() : null;
      if (!told) this.alert.textContent = response.status < 500 ? text.refused : text.failed;
      else if (told.ok) this.done();
      else this.refuse(told.errors);
    } catch {
      this.alert.textContent = text.failed;
    }
    this.save.disabled = false;
    this.save.textContent = text.save;
  }

  done() {
    this.notify("save", { state: "start" });
    draft.drop(this.key);
    this.saved = clone(this.fields);
    this.alert.textContent = "";
    this.notify("save", { state: "end" });
  }
}

