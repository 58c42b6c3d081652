// Choose learners, write to them, see what was sent, help those at risk: screens that share one address.
import { AtRisk } from "../atrisk/atrisk.js";
import { home } from "../atrisk/address.js";
import { h } from "../dashboard/dom.js";
import { NoAnswer, call } from "../dashboard/server.js";
import { tooltip } from "../dashboard/tip.js";
import { Compose } from "../letter/compose.js";
import { Sent } from "../letter/sent.js";
import { Choice } from "../learners/choice.js";
import css from "./communicator.shadow.css";
import { VIEWS, hash, keep, link, read } from "./state.js";
import { speak } from "./words.js";

/** Milliseconds that the address and the spoken words wait for the last of several changes. */
const PAUSE = 300;
const SCREENS = { learners: Choice, write: Compose, sent: Sent, cases: AtRisk };

class Communicator {
  /**
   * args: {api: address of the course in REST, text, language, rtl, csrf: where the page has a token of its own,
   * course: address of a course's page with {course} for its key, programme: address of the page of all courses;
   * only: the one screen there is, where `api` is of no one course}.
   */
  constructor(mount, args) {
    this.args = args;
    this.words = speak(args.text, args.language);
    this.rtl = args.rtl;
    this.views = args.only ? [args.only] : VIEWS;
    this.state = { view: this.views[0], query: "", letter: null, cases: "", ...this.read() };
    this.screens = {};
    this.build(mount);
    addEventListener("hashchange", () => {
      const state = this.read();
      if (!state || location.hash === hash(this.state)) return;
      Object.assign(this.state, state);
      this.show();
    });
    this.show();
  }

  /** What the address says, where there is a screen for it. */
  read() {
    const state = read(location.hash);
    return state && this.views.includes(state.view) ? state : null;
  }

  build(mount) {
    const { t } = this.words;
    this.root = mount.shadowRoot ?? mount.attachShadow({ mode: "open" });
    this.links = this.views.map((view) => h("a", { "data-view": view, onclick: (event) => this.follow(event, view) }, t(`view_${view}`)));
    this.main = h("div", { class: "nudge-main" });
    this.live = h("div", { class: "nudge-unseen", role: "status" });
    this.frame = h(
      "div",
      { class: "nudge-frame", dir: this.rtl ? "rtl" : "ltr", lang: this.args.language },
      this.links.length > 1 && h("nav", { class: "nudge-views", "aria-label": t("views") }, this.links),
      this.main,
      this.live,
    );
    this.root.replaceChildren(h("style", {}, css), this.frame);
    this.tip = tooltip(this.frame);
  }

  /** A click without modifiers stays on the page. */
  follow(event, view) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    this.go(this.from(view));
  }

  /** The state in which a screen is gone to from the others. */
  from(view) {
    return { view, letter: null, cases: home(this.state.cases) };
  }

  /** Goes to another screen, with another selection or letter. */
  go(change) {
    Object.assign(this.state, change);
    history.pushState(history.state, "", hash(this.state));
    this.show();
    this.screens[this.state.view].heading?.focus();
  }

  show() {
    const { view } = this.state;
    for (const anchor of this.links) {
      if (anchor.dataset.view === view) anchor.setAttribute("aria-current", "page");
      else anchor.removeAttribute("aria-current");
    }
    this.refer();
    this.screens[view] ??= new SCREENS[view](this);
    for (const [name, screen] of Object.entries(this.screens)) screen.node.hidden = name !== view;
    if (!this.screens[view].node.isConnected) this.main.append(this.screens[view].node);
    this.screens[view].open();
  }

  // What the screens use

  /** Asks REST; resolves to the answer, rejects with NoAnswer. */
  ask(path, body, method = body === undefined ? "GET" : "POST") {
    return call(method, this.address(path), body, this.args.csrf || undefined);
  }

  address(path) {
    return this.args.api + path;
  }

  get query() {
    return this.state.query;
  }

  /** Takes down another selection, without going anywhere. */
  chose(query) {
    this.state.query = query;
    this.keep();
  }

  refer() {
    for (const anchor of this.links) anchor.href = hash({ ...this.state, ...this.from(anchor.dataset.view) });
  }

  keep() {
    clearTimeout(this.keeping);
    this.keeping = setTimeout(() => {
      keep(this.state);
      this.refer();
    }, PAUSE);
  }

  /** Speaks, once nothing has been said for a moment. */
  announce(text) {
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      this.live.textContent = text;
    }, PAUSE);
  }

  focused() {
    return this.root.activeElement;
  }

  copy() {
    const { t } = this.words;
    const copied = h("span", { class: "nudge-copied", role: "status" });
    const copy = async () => {
      const address = link(this.state);
      keep(this.state);
      try {
        await navigator.clipboard.writeText(address);
        copied.textContent = t("copied");
      } catch {
        copied.replaceChildren(h("input", { type: "text", readonly: true, value: address, "aria-label": t("link") }));
        copied.firstChild.select();
      }
    };
    return [h("button", { type: "button", class: "nudge-button nudge-quiet", onclick: copy }, t("copy_link")), copied];
  }

  /** What is shown while something is fetched. */
  waiting(words) {
    return h(
      "div",
      { class: "nudge-waiting" },
      h("p", { class: "nudge-waiting-words", role: "status" }, words),
      h("progress", { "aria-label": words }),
    );
  }

  /** Does something with the server; says in `trouble` what went wrong, and answers null then. */
  async attempt(act, trouble, what, kept) {
    trouble.replaceChildren();
    try {
      return await act();
    } catch (error) {
      trouble.replaceChildren(this.failed(error, what, kept));
      return null;
    }
  }

  /** What is shown where something could not be done; `kept` says what is safe all the same. */
  failed(error, what, kept, again) {
    if (!(error instanceof NoAnswer)) throw error;
    const { t } = this.words;
    return h(
      "div",
      { class: "nudge-failed", role: "alert" },
      h("strong", {}, t("failed", { what, why: t(`why_${error.why}`) })),
      h("p", {}, [error.detail, kept, t(`remedy_${error.why}`)].filter(Boolean).join(" ")),
      again && h("button", { type: "button", class: "nudge-button", onclick: again }, t("try_again")),
    );
  }
}

/** Starts the screens in `mount`; once only. */
window.NudgeCommunicator = function NudgeCommunicator(mount, args) {
  mount.nudgeCommunicator ??= new Communicator(mount, args);
  return mount.nudgeCommunicator;
};

// A page of its own names the element that holds them.
for (const mount of document.querySelectorAll(".nudge-communicator[data-args]")) {
  window.NudgeCommunicator(mount, JSON.parse(document.getElementById(mount.dataset.args).textContent));
}
