// The letter as one learner gets it, under a pseudonym: the mail itself, or its plain text.
import { fresh, h } from "../dashboard/dom.js";

export class Preview {
  constructor(compose) {
    this.compose = compose;
    const { t } = compose.words;
    const title = fresh("preview");
    this.plain = false;
    this.title = h("h3", { class: "nudge-question", id: title }, t("preview"));
    this.subject = h("p", { class: "nudge-mail-subject nudge-own" });
    this.from = h("p", { class: "nudge-mail-from nudge-own" });
    // Nothing in the mail runs: no scripts are allowed in it, and the server has taken them out before.
    this.html = h("iframe", { class: "nudge-mail-html", title: t("preview"), sandbox: "allow-same-origin", onload: () => this.fit() });
    this.text = h("pre", { class: "nudge-mail-text nudge-own", hidden: true, tabindex: "0", "aria-label": t("plain_text") });
    this.example = h("select", { class: "nudge-input nudge-own", "aria-label": t("example"), hidden: true, onchange: () => this.turnTo(this.example.value) });
    this.problems = h("ul", { class: "nudge-problems" });
    this.switch = h("button", { type: "button", class: "nudge-button nudge-quiet", "aria-pressed": "false", onclick: () => this.turn() }, t("plain_text"));
    this.trouble = h("p", { class: "nudge-alarm", role: "status" });
    this.node = h(
      "section",
      { class: "nudge-preview", "aria-labelledby": title },
      h("div", { class: "nudge-bar" }, this.title, h("div", { class: "nudge-tools" }, this.example, this.switch)),
      h("div", { class: "nudge-mail" }, h("header", {}, this.subject, this.from), this.html, this.text),
      this.problems,
      this.trouble,
    );
  }

  turn() {
    this.plain = !this.plain;
    this.switch.setAttribute("aria-pressed", String(this.plain));
    this.text.hidden = !this.plain;
    this.html.hidden = this.plain;
  }

  show(found) {
    const { t } = this.compose.words;
    const { sender } = this.compose.choices.fields;
    this.trouble.textContent = "";
    const name = short(found.example);
    this.example.hidden = found.examples.length < 2;
    this.example.replaceChildren(...found.examples.map((each) => h("option", { value: each }, short(each))));
    this.example.value = found.example;
    this.title.textContent = name ? t("preview_of", { name }) : t("preview");
    this.subject.textContent = found.subject || t("no_subject");
    this.from.textContent = sender;
    this.text.textContent = found.text;
    this.html.srcdoc = page(found.html, this.compose.page);
    this.problems.replaceChildren(...found.problems.map((problem) => h("li", {}, problem)));
  }

  turnTo(example) {
    this.compose.example = example;
    this.compose.look();
  }

  /** The frame is as tall as the mail in it. */
  fit() {
    const { body } = this.html.contentDocument ?? {};
    if (body) this.html.style.blockSize = `${Math.max(body.offsetHeight, 80)}px`;
  }

  fail(error) {
    const { t } = this.compose.words;
    if (!error.why) throw error;
    this.trouble.textContent = [t("preview_failed"), t(`why_${error.why}`), error.detail].filter(Boolean).join(" ");
  }
}

/** How a learner is called here: the first six digits of the pseudonym. */
const short = (example) => example.slice(0, 6).toUpperCase();

/** A mail is dark on white, as most programs show it; its direction is its own. */
function page(html, { args }) {
  return `<!doctype html><html lang="${args.language}"><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src https: data:"><title>.</title><style>html{color-scheme:light}body{margin:0;padding:16px;font:15px/1.55 system-ui,sans-serif;color:#1b1b1b;background:#fff;overflow-wrap:anywhere}a{color:#0b5d8f}:is(p,ul,ol):first-child{margin-top:0}</style><body dir="auto">${html}`;
}
