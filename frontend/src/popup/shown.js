// A card on the page: put in its place, kept there, heard out and taken away again.
import { make } from "./card.js";
import { unitElement } from "./moments.js";
import { send } from "./outbox.js";
import { peek } from "./peek.js";
import { covers, place } from "./place.js";

const SETTLED = 150;
const ANSWERED = ["helpful", "not_helpful", "clicked", "fewer", "stop"];

export class Shown {
  /** `block` is {element, text, url}, `anchor` what was just done; `gone` is called when the card is closed. */
  constructor(block, nudge, anchor, gone) {
    Object.assign(this, { block, nudge, anchor, gone, answered: false, seen: false, from: null, timer: 0 });
    this.unpeek = () => {};
    this.unit = unitElement(block.element);
    this.host = make(nudge, block.text, (what) => this.heard(what)).host;
    this.ends = new AbortController();
  }

  async open() {
    this.block.element.append(this.host);
    await this.settle();
    const { signal } = this.ends;
    document.addEventListener("focusin", (event) => this.focused(event), { signal });
    addEventListener("resize", () => this.shifted(), { signal });
    if (window.ResizeObserver) {
      const watcher = new ResizeObserver(() => this.shifted());
      watcher.observe(document.body);
      signal.addEventListener("abort", () => watcher.disconnect());
    }
    this.whenSeen(() => {
      this.seen = true;
      this.unpeek();
      this.say("shown");
    });
  }

  /** Puts the card in its place; a sign leads to it where that is out of view. */
  async settle(also) {
    this.unpeek();
    if (await place(this.host, this.anchor, this.unit, also)) return;
    this.unpeek = await peek(this.host, this.nudge.heading, this.anchor);
    if (this.seen) this.unpeek();
  }

  /** Closes the card.  The focus, if it was in it, goes back to where it came from. */
  close() {
    if (!this.answered) this.say("dismissed");
    const within = this.host.contains(document.activeElement);
    this.ends.abort();
    clearTimeout(this.timer);
    this.unpeek();
    this.host.remove();
    if (within && this.from && this.from.isConnected) this.from.focus({ preventScroll: true });
    this.gone();
  }

  heard(what) {
    if (what === "dismissed") {
      this.close();
      return;
    }
    if (ANSWERED.includes(what)) this.answered = true;
    if (what === "undo") this.answered = false;
    this.say(what);
  }

  say(what) {
    send(this.block.url("respond"), { decision: this.nudge.decision, what });
  }

  /** What has the focus is never under the card. */
  focused({ target, relatedTarget }) {
    if (this.host.contains(target)) this.from = this.from || relatedTarget;
    else if (this.host.popover && covers(this.host, target)) this.settle(target);
  }

  /** After the page has changed its shape the card moves only if it must. */
  shifted() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const { left, right } = this.host.getBoundingClientRect();
      const outside = left < 0 || right > document.documentElement.clientWidth;
      if (this.host.popover && (outside || covers(this.host))) this.settle();
    }, SETTLED);
  }

  /** Calls back once when half of the card has really been on the screen. */
  whenSeen(tell) {
    if (!window.IntersectionObserver) {
      tell();
      return;
    }
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        tell();
      },
      { threshold: 0.5 },
    );
    observer.observe(this.host);
    this.ends.signal.addEventListener("abort", () => observer.disconnect());
  }
}
