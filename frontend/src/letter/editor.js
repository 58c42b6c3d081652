// A small rich-text field: bold, italic, lists and links, which is all that a letter may hold.
import { fresh, h, s } from "../dashboard/dom.js";

const KEPT = { B: "b", STRONG: "b", I: "i", EM: "i", U: "u", A: "a", UL: "ul", OL: "ol", LI: "li", P: "p", DIV: "p", BR: "br", H2: "h2", H3: "h3", BLOCKQUOTE: "blockquote" };
const DROPPED = new Set(["SCRIPT", "STYLE", "TITLE", "TEMPLATE", "IFRAME", "SVG", "MATH", "OBJECT", "NOSCRIPT", "TEXTAREA", "HEAD"]);
const FOLLOWED = /^(https?:\/\/|mailto:)/i;

/** What of some HTML a letter may hold, as nodes; nothing in it runs, as it is parsed apart from the page. */
export function clean(html) {
  const copy = (from, to) => {
    for (const node of from.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
      if (node.nodeType !== Node.ELEMENT_NODE || DROPPED.has(node.tagName.toUpperCase())) continue;
      const tag = KEPT[node.tagName];
      if (!tag || (tag === "a" && !FOLLOWED.test(node.getAttribute("href") ?? ""))) copy(node, to);
      else {
        const kept = document.createElement(tag);
        if (tag === "a") kept.setAttribute("href", node.getAttribute("href"));
        copy(node, kept);
        // A paragraph holds no lists and no paragraphs.
        if (tag === "p" && kept.querySelector("p, ul, ol, h2, h3, blockquote")) to.append(...kept.childNodes);
        else if (tag !== "p" || kept.childNodes.length) to.append(kept);
      }
    }
    return to;
  };
  return copy(new DOMParser().parseFromString(html, "text/html").body, document.createDocumentFragment());
}

/** A web address as people type it; empty where it is none. */
export function address(text) {
  const typed = text.trim();
  if (/^[^\s@/]+@[^\s@/]+\.[^\s@/]+$/.test(typed)) return `mailto:${typed}`;
  const whole = FOLLOWED.test(typed) ? typed : `https://${typed}`;
  try {
    return typed && !/\s/.test(typed) && new URL(whole).hostname.includes(".") ? whole : "";
  } catch {
    return "";
  }
}

/** The picture of a list: three lines, each after its mark. */
function lines(mark) {
  const rows = [3.5, 8, 12.5].flatMap((y) => [mark(y), s("path", { d: `M6.5,${y}H15` })]);
  return s("svg", { width: 16, height: 16, viewBox: "0 0 16 16", "aria-hidden": "true" }, rows);
}

export class Editor {
  /** words; label: of the field; changed(): called after every change; root(): where the selection is. */
  constructor({ words, label, changed, root }) {
    Object.assign(this, { words, changed, root });
    const { t } = words;
    this.field = h("div", {
      class: "nudge-input nudge-editor-field nudge-own",
      contenteditable: "true",
      role: "textbox",
      "aria-multiline": "true",
      "aria-label": label,
      oninput: () => this.input(),
      onfocus: () => this.begin(),
      onpaste: (event) => this.paste(event),
    });
    const tools = [
      ["bold", "B", "Control+B"],
      ["italic", "I", "Control+I"],
      ["insertUnorderedList", lines((y) => s("circle", { cx: 3, cy: y, r: 1.5 })), null],
      ["insertOrderedList", lines((y) => s("path", { d: `M1.5,${y - 1.5}L3,${y - 2.5}V${y + 2.5}` })), null],
    ].map(([command, sign, keys]) => this.tool(sign, t(`edit_${command}`), () => document.execCommand(command), command, keys));
    this.opener = this.tool(t("edit_link"), t("edit_link"), () => this.ask());
    this.bar = h("div", { class: "nudge-editor-bar", role: "toolbar", "aria-label": t("edit_tools") }, tools, this.opener);
    this.asked = this.form();
    this.node = h("div", { class: "nudge-editor" }, this.bar, this.asked, this.field);
    this.bar.addEventListener("keydown", (event) => this.walk(event));
    [...this.bar.children].forEach((button, place) => button.setAttribute("tabindex", place ? "-1" : "0"));
    this.field.addEventListener("keyup", () => this.remember());
    this.field.addEventListener("pointerup", () => this.remember());
    this.field.addEventListener("blur", () => this.remember());
  }

  tool(sign, label, act, command, keys) {
    const node = h("button", { type: "button", class: "nudge-tool", "aria-label": label, title: label, "data-command": command ?? "link", "aria-keyshortcuts": keys }, sign);
    // A press leaves the text selected.
    node.addEventListener("pointerdown", (event) => event.preventDefault());
    node.addEventListener("click", () => {
      if (!command) return act();
      this.back();
      act();
      return this.input();
    });
    return node;
  }

  walk(event) {
    const buttons = [...this.bar.children];
    const at = buttons.indexOf(this.root().activeElement);
    const side = getComputedStyle(this.bar).direction === "rtl" ? -1 : 1;
    const step = { ArrowRight: side, ArrowLeft: -side }[event.key];
    const to = { Home: 0, End: buttons.length - 1 }[event.key] ?? (step && (at + step + buttons.length) % buttons.length);
    if (to === undefined) return;
    event.preventDefault();
    buttons.forEach((button, place) => button.setAttribute("tabindex", place === to ? "0" : "-1"));
    buttons[to].focus();
  }

  // Where the text is being written

  get chosen() {
    return this.root().getSelection?.() ?? document.getSelection();
  }

  remember() {
    const { chosen } = this;
    if (chosen?.rangeCount && this.field.contains(chosen.getRangeAt(0).commonAncestorContainer)) this.range = chosen.getRangeAt(0).cloneRange();
  }

  /** Puts the cursor back to where it was in the text; at its end where it never was there. */
  back() {
    this.field.focus();
    if (!this.range || !this.field.contains(this.range.commonAncestorContainer)) {
      this.range = document.createRange();
      this.range.selectNodeContents(this.field.lastElementChild ?? this.field);
      this.range.collapse(false);
    }
    const { chosen } = this;
    chosen.removeAllRanges();
    chosen.addRange(this.range);
  }

  /** Text is in paragraphs from its first letter on. */
  begin() {
    document.execCommand("defaultParagraphSeparator", false, "p");
    if (!this.field.childNodes.length) this.field.append(h("p", {}, h("br")));
  }

  insert(text) {
    this.back();
    document.execCommand("insertText", false, text);
    this.input();
  }

  input() {
    this.remember();
    this.field.classList.toggle("nudge-blank", !this.field.textContent.trim());
    this.changed();
  }

  paste(event) {
    event.preventDefault();
    const html = event.clipboardData.getData("text/html");
    const text = event.clipboardData.getData("text/plain");
    if (html) {
      const holder = h("div", {}, clean(html));
      document.execCommand("insertHTML", false, holder.innerHTML);
    } else document.execCommand("insertText", false, text);
    this.input();
  }

  // Links

  form() {
    const { t } = this.words;
    const id = fresh("address");
    this.url = h("input", { id, type: "text", inputmode: "url", class: "nudge-input", placeholder: "https://", autocomplete: "off" });
    this.wrong = h("span", { class: "nudge-alarm", role: "alert" });
    const form = h(
      "div",
      { class: "nudge-editor-link", hidden: true },
      h("label", { for: id }, t("link_address")),
      this.url,
      h("button", { type: "button", class: "nudge-button nudge-strong", onclick: () => this.link() }, t("link_set")),
      h("button", { type: "button", class: "nudge-button", onclick: () => this.close() }, t("cancel")),
      this.wrong,
    );
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
      if (event.key !== "Enter" || event.target !== this.url) return;
      event.preventDefault();
      this.link();
    });
    return form;
  }

  ask() {
    this.asked.hidden = false;
    this.wrong.textContent = "";
    this.url.value = "";
    this.url.focus();
  }

  close() {
    this.asked.hidden = true;
    this.back();
  }

  link() {
    const url = address(this.url.value);
    if (!url) {
      this.wrong.textContent = this.words.t("link_wrong");
      this.url.focus();
      return;
    }
    this.close();
    if (this.range.collapsed) {
      const link = h("a", { href: url }, this.url.value.trim());
      document.execCommand("insertHTML", false, link.outerHTML);
    } else document.execCommand("createLink", false, url);
    this.input();
  }

  // What is written

  get html() {
    const holder = h("div", {}, clean(this.field.innerHTML));
    return holder.textContent.trim() ? holder.innerHTML : "";
  }

  set html(html) {
    this.field.replaceChildren(clean(html));
    this.range = null;
    this.field.classList.toggle("nudge-blank", !this.field.textContent.trim());
  }
}
