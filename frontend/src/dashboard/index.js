// The staff's analytics: fetches the overview, draws it, and keeps it fresh while somebody looks.
import css from "./dashboard.shadow.css";
import { days } from "./days.js";
import { h } from "./dom.js";
import { effect } from "./effect.js";
import { Asked, experiments } from "./experiments.js";
import { groups } from "./groups.js";
import { moments } from "./moments.js";
import { nights } from "./nights.js";
import { NoAnswer, post } from "./server.js";
import { hash, keep, link, read } from "./state.js";
import { tooltip } from "./tip.js";
import { votes } from "./votes.js";
import { words } from "./words.js";

/** Milliseconds between two looks whether anything is new. */
const BEAT = 10000;
/** A wait longer than this says for how long it has been going on. */
const LONG = 3000;

/** The platform's runtimes hand over a jQuery object or an element. */
const bare = (element) => (element.nodeType ? element : element[0]);

class Dashboard {
  constructor(runtime, element, args) {
    const place = bare(element);
    this.runtime = runtime;
    this.element = element;
    this.text = args.text;
    this.starts = args.starts;
    this.state = read(location.hash);
    this.speak(document.documentElement.lang || undefined, getComputedStyle(place).direction === "rtl");
    this.overview = null;
    this.example = false;
    this.asked = new Asked(this);
    this.build(place.querySelector(".nudge-dashboard") ?? place);
    this.load();
    this.watch();
  }

  speak(language, rtl) {
    let known = language;
    try {
      Intl.getCanonicalLocales(language);
    } catch {
      known = undefined;
    }
    this.words = words(this.text, known);
    this.rtl = rtl;
  }

  build(mount) {
    this.root = mount.shadowRoot ?? mount.attachShadow({ mode: "open" });
    this.main = h("div", { class: "nudge-main" });
    this.notice = h("div", { class: "nudge-notice" });
    this.live = h("div", { class: "nudge-unseen", role: "status" });
    this.frame = h("div", { class: "nudge-frame" }, this.notice, this.main, this.live);
    this.root.replaceChildren(h("style", {}, css), this.frame);
    this.tip = tooltip(this.frame);
    this.fitted = new Map();
    this.ruler = new ResizeObserver((entries) => {
      for (const { target, contentRect } of entries) {
        const width = Math.floor(contentRect.width);
        if (width && this.fitted.get(target)?.width !== width) this.redraw(target, width);
      }
    });
    addEventListener("hashchange", () => {
      if (!location.hash.startsWith("#nudge=") || location.hash === hash(this.state)) return;
      this.state = read(location.hash);
      this.load();
    });
  }

  // What the sections use

  ask(handler, body) {
    return post(this.runtime.handlerUrl(this.element, handler), body);
  }

  announce(text) {
    this.live.textContent = text;
  }

  focused() {
    return this.root.activeElement;
  }

  /** Calls draw(width) now and whenever the node's width changes. */
  fit(node, draw) {
    this.fitted.set(node, { draw, width: 0 });
    this.ruler.observe(node);
  }

  redraw(node, width) {
    const entry = this.fitted.get(node);
    const focused = this.focused();
    entry.width = width;
    entry.draw(width);
    if (focused && focused !== this.focused() && node.contains(focused)) focused.focus();
  }

  keep() {
    keep(this.state);
  }

  choose(change) {
    Object.assign(this.state, change);
    this.keep();
    this.load();
  }

  refresh() {
    return this.load();
  }

  // Getting the figures

  async load() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const waiting = this.overview ? null : this.wait();
    this.frame.setAttribute("aria-busy", "true");
    try {
      const overview = await this.ask("analytics", { view: this.example ? "example" : "overview", days: this.state.days });
      if (turn !== this.turn) return;
      this.overview = overview;
      this.notice.replaceChildren();
      this.speak(overview.language, overview.rtl);
      this.draw();
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (turn === this.turn) this.fail(error);
    } finally {
      clearInterval(waiting);
      if (turn === this.turn) this.frame.removeAttribute("aria-busy");
    }
  }

  wait() {
    const { t, number } = this.words;
    const words = h("p", { class: "nudge-waiting-words", role: "status" }, t("waiting"));
    const since = Date.now();
    this.main.replaceChildren(
      h("div", { class: "nudge-waiting" }, words, h("progress", { "aria-label": t("waiting") }), h("div", { class: "nudge-ghosts", "aria-hidden": "true" }, [3, 5, 4, 7, 6, 8, 5, 9, 7, 8].map((tall) => h("i", { style: `block-size:${tall * 10}%` })))),
    );
    return setInterval(() => {
      const past = Date.now() - since;
      if (past >= LONG) words.textContent = t("still_waiting", { seconds: number(past / 1000) });
    }, 1000);
  }

  fail({ why, detail }) {
    const { t, moment } = this.words;
    const again = h("button", { type: "button", class: "nudge-button", onclick: () => this.load() }, t("try_again"));
    const kept = this.overview ? t("kept", { time: moment(this.overview.as_of) }) : t("kept_nothing");
    const box = h(
      "div",
      { class: "nudge-failed", role: "alert" },
      h("strong", {}, t(`failed_${why}`)),
      h("p", {}, [detail, kept, t(`remedy_${why}`)].filter(Boolean).join(" ")),
      again,
    );
    this.notice.replaceChildren(box);
    if (!this.overview) this.main.replaceChildren();
  }

  /** While the dashboard is looked at, asks now and then whether anything is new. */
  watch() {
    let seen = false;
    new IntersectionObserver((entries) => {
      seen = entries[entries.length - 1].isIntersecting;
    }).observe(this.frame);
    const beat = async () => {
      if (!this.frame.isConnected) return;
      if (seen && !document.hidden && this.overview && !this.example) await this.look();
      setTimeout(beat, BEAT);
    };
    setTimeout(beat, BEAT);
  }

  async look() {
    try {
      const { stamp } = await this.ask("analytics", { view: "pulse" });
      if (stamp !== this.overview.stamp) await this.load();
    } catch {
      // The next beat tries again; what is on the screen says when it was true.
    }
  }

  // Drawing

  draw() {
    const { overview } = this;
    const focus = this.remember();
    this.opened = null;
    for (const node of this.fitted.keys()) this.ruler.unobserve(node);
    this.fitted.clear();
    this.frame.dir = this.rtl ? "rtl" : "ltr";
    this.frame.lang = overview.language;
    const parts = overview.empty
      ? [this.header(), this.nothing(), nights(this, overview.nights)]
      : [
          this.header(),
          days(this, overview.shown),
          groups(this, overview.groups),
          votes(this, overview.votes),
          effect(this, overview.effect),
          nights(this, overview.nights),
          experiments(this),
          moments(this, overview.moments),
        ];
    this.main.replaceChildren(...parts);
    focus();
  }

  header() {
    const { t, clock } = this.words;
    const copied = h("span", { class: "nudge-copied", role: "status" });
    const copy = async () => {
      const address = link(this.state);
      this.keep();
      try {
        await navigator.clipboard.writeText(address);
        copied.textContent = t("copied");
      } catch {
        copied.replaceChildren(h("input", { type: "text", readonly: true, value: address, "aria-label": t("link") }));
        copied.firstChild.select();
      }
    };
    return h(
      "header",
      { class: "nudge-header" },
      this.example &&
        h(
          "div",
          { class: "nudge-example" },
          h("strong", {}, t("example")),
          h("span", {}, t("example_words")),
          h("button", { type: "button", class: "nudge-button", onclick: () => this.leave() }, t("example_leave")),
        ),
      h(
        "div",
        { class: "nudge-bar" },
        h("p", { class: "nudge-as-of" }, t("as_of", { time: clock(this.overview.as_of) })),
        h(
          "div",
          { class: "nudge-tools" },
          copied,
          h("button", { type: "button", class: "nudge-button nudge-quiet", "data-copy": "", onclick: copy }, t("copy_link")),
          h("button", { type: "button", class: "nudge-button nudge-quiet", "data-refresh": "", onclick: () => this.anew() }, t("refresh")),
        ),
      ),
    );
  }

  nothing() {
    const { t } = this.words;
    return h(
      "section",
      { class: "nudge-section nudge-empty" },
      h("h3", { class: "nudge-finding" }, t("empty")),
      h("p", {}, t("empty_words")),
      h("button", { type: "button", class: "nudge-button nudge-strong", "data-example": "", onclick: () => this.enter() }, t("example_enter")),
    );
  }

  enter() {
    this.example = true;
    this.anew();
  }

  leave() {
    this.example = false;
    this.anew();
  }

  /** Fetches everything again, also what changes once a day. */
  anew() {
    this.asked = new Asked(this);
    return this.load();
  }

  /** Remembers what has the focus, and returns what gives it back to its successor after a redraw. */
  remember() {
    const kinds = "button, [tabindex], summary, input";
    const list = () => [...this.main.querySelectorAll(kinds)];
    const focused = this.focused();
    const sections = focused ? focused.closest("section")?.className : null;
    const same = (node) => node.className === focused.className || node.className?.baseVal === focused.className?.baseVal;
    const peers = focused ? list().filter((node) => node.closest("section")?.className === sections && node.tagName === focused.tagName) : [];
    const place = peers.indexOf(focused);
    return () => {
      if (place < 0) return;
      const successors = list().filter((node) => node.closest("section")?.className === sections && node.tagName === focused.tagName);
      const next = successors[place];
      if (next && same(next)) next.focus({ preventScroll: true });
    };
  }
}

window.NudgeDashboard = function NudgeDashboard(runtime, element, args) {
  return new Dashboard(runtime, element, args);
};
