// One page, one card at a time, however many nudge blocks and copies of this script it holds.
import { el } from "./dom.js";
import { open } from "./outbox.js";
import { answer, uuid } from "./server.js";
import { Shown } from "./shown.js";

/** Milliseconds between what was done and the card: long enough to have read the result. */
const BEAT = 1200;
/** How long a moment that had to wait for another card stays worth asking about. */
const FRESH = 120000;
/** A pause in typing that means the sentence is finished. */
const TYPING = 1500;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Page {
  constructor() {
    this.id = uuid();
    this.busy = false;
    this.waiting = null;
    this.card = null;
    this.typed = 0;
    document.addEventListener("keydown", (event) => this.key(event));
    open();
  }

  /** A place for announcements that is in the page before there is anything to announce. */
  voice(element) {
    if (this.live && this.live.isConnected) return;
    this.live = el("div", { className: "nudge-unseen", role: "status" });
    element.append(this.live);
  }

  key(event) {
    this.typed = Date.now();
    if (event.key === "Escape" && this.card && !event.defaultPrevented && !event.isComposing) this.card.close();
  }

  /** Asks the server about a moment and shows what it sends.  While a card is out the newest moment waits. */
  async moment(block, moment) {
    const at = moment.at || Date.now();
    if (this.busy) {
      this.waiting = { block, moment: { ...moment, at } };
      return;
    }
    this.busy = true;
    const { when, item, attempts = 0, elsewhere = false, anchor } = moment;
    const told = await answer(block.url("ask"), { occasion: { when, item, attempts, elsewhere }, page: this.id });
    if (told && told.nudge) await this.pause(at);
    if (told && told.nudge && block.element.isConnected) await this.show(block, told.nudge, anchor || block.element);
    else this.free();
  }

  /** Waits for the beat to pass, for the page to be looked at, and for a sentence to be typed to its end. */
  async pause(at) {
    while (document.hidden || Date.now() - at < BEAT || Date.now() - this.typed < TYPING) await sleep(100);
  }

  async show(block, nudge, anchor) {
    this.card = new Shown(block, nudge, anchor, () => this.free());
    await this.card.open();
    this.live.textContent = `${block.text.announce} ${nudge.heading}. ${nudge.body}`;
  }

  free() {
    const next = this.waiting;
    this.busy = false;
    this.card = this.waiting = null;
    if (this.live) this.live.textContent = "";
    if (next && Date.now() - next.moment.at < FRESH) this.moment(next.block, next.moment);
  }
}

/** The page's one coordinator.  Several copies of this script agree on the first one's. */
export function page() {
  window.nudgePage = window.nudgePage || new Page();
  return window.nudgePage;
}
