// Where the card goes: beside what was just done, within what the learner sees, over no answer box.

const GUTTER = 12;
const STEP = 12;
/** Room left below a card, which grows by a line when it answers. */
const SPARE = 24;
const ANSWERS = [
  "input:not([type=hidden])", "textarea", "select", "label", "button",
  "[contenteditable]:not([contenteditable=false])", "[role=radio]", "[role=checkbox]", "[role=textbox]",
].join();
const WORDS = "label, p, li, h1, h2, h3, h4, legend, dt, dd, td, output, [role=status]";
const CONTENT = "p, li, h1, h2, h3, h4, legend, dt, dd, td, output, [role=status], figure, img, table, pre, video, iframe";

const area = ({ left, top, right, bottom }) => Math.max(0, right - left) * Math.max(0, bottom - top);

const overlap = (a, b) =>
  area({
    left: Math.max(a.left, b.left),
    top: Math.max(a.top, b.top),
    right: Math.min(a.right, b.right),
    bottom: Math.min(a.bottom, b.bottom),
  });

const box = (left, top, width, height) => ({ left, top, width, height, right: left + width, bottom: top + height });

/**
 * The part of this window that the learner really sees, in its own coordinates.
 *
 * A unit in an iframe as tall as its content has no scroll position of its own; only an
 * IntersectionObserver with the implicit root looks out through the pages around it.
 */
export function visible() {
  const view = window.visualViewport;
  const whole = view
    ? box(view.offsetLeft, view.offsetTop, view.width, view.height)
    : box(0, 0, document.documentElement.clientWidth, innerHeight);
  if (window.parent === window || !window.IntersectionObserver) return Promise.resolve(whole);
  return new Promise((resolve) => {
    const observer = new IntersectionObserver(([entry]) => {
      observer.disconnect();
      const { left, top, width, height } = entry.intersectionRect;
      resolve(box(left, top, width, height));
    });
    observer.observe(document.documentElement);
  });
}

/** The box of an element; for text that of the words, since a line may be far wider than they are. */
function extent(node) {
  if (!node.matches(WORDS)) return node.getBoundingClientRect();
  const range = document.createRange();
  range.selectNodeContents(node);
  return range.getBoundingClientRect();
}

/** The boxes of what matches, as far as they are within `view` and not in `host`. */
function boxes(selector, view, host) {
  return [...document.querySelectorAll(selector)]
    .filter((node) => !host.contains(node))
    .map(extent)
    .filter((rect) => area(rect) > 0 && overlap(rect, view) > 0);
}

/**
 * The best place for a card of `width` by `height` in `view`, or null when each would cover an answer.
 *
 * Cheapest wins: near the end of what was just done, off its text, off other text, towards the line's end.
 */
export function spot({ width, height }, view, anchor, answers, content, rtl) {
  const near = { x: rtl ? anchor.left : anchor.right, y: anchor.bottom };
  let best = null;
  const last = { x: view.right - GUTTER - width, y: view.bottom - GUTTER - height };
  for (let y = last.y; y >= view.top + GUTTER; y -= STEP) {
    for (let x = last.x; x >= view.left + GUTTER - 1; x -= STEP) {
      const card = box(x, y, width, height);
      if (answers.some((rect) => overlap(card, rect) > 0)) continue;
      const away = Math.hypot((rtl ? card.left : card.right) - near.x, y + height / 2 - near.y);
      const covered = content.reduce((sum, rect) => sum + overlap(card, rect), 0) / area(card);
      const cost = away + 240 * covered + (200 * overlap(card, anchor)) / area(card);
      if (!best || cost < best.cost) best = { x, y, cost };
    }
  }
  return best;
}

function settle(host, x, y) {
  host.style.left = host.style.top = "0px";
  // Measured rather than reckoned: what contains the card depends on the host page.
  const origin = host.getBoundingClientRect();
  host.style.left = `${x - origin.left}px`;
  host.style.top = `${y - origin.top}px`;
}

/** Whether the card lies over something to answer with, or over `also`. */
export function covers(host, also = null) {
  const card = host.getBoundingClientRect();
  const rects = boxes(ANSWERS, card, host);
  if (also) rects.push(also.getBoundingClientRect());
  return rects.some((rect) => overlap(card, rect) > 0);
}

/** Lets the card float over the page: in the top layer where there is one, so that nothing clips it. */
function float(host) {
  host.removeAttribute("data-docked");
  host.setAttribute("popover", "manual");
  host.dataset.open = "";
  if (host.showPopover) {
    if (!host.matches(":popover-open")) host.showPopover();
  } else {
    document.body.append(host);
  }
}

/** Puts the card in the flow after everything else, where it moves and covers nothing. */
function dock(host, unit) {
  if (host.hidePopover && host.matches(":popover-open")) host.hidePopover();
  const focused = host.shadowRoot.activeElement;
  host.removeAttribute("popover");
  host.style.left = host.style.top = host.style.maxInlineSize = "";
  host.dataset.docked = host.dataset.open = "";
  unit.append(host);
  if (focused) focused.focus({ preventScroll: true });
}

/**
 * Places a card that hangs in the page, over it where there is room, else in the flow at the unit's end.
 * Resolves to whether there was room.
 */
export async function place(host, anchor, unit, also = null) {
  // Only the first time: hiding would take the focus out of a card that is being used.
  if (host.dataset.open === undefined) host.dataset.unplaced = "";
  float(host);
  const view = await visible();
  host.style.maxInlineSize = `${view.width - 2 * GUTTER}px`;
  const answers = boxes(ANSWERS, view, host);
  if (also) answers.push(also.getBoundingClientRect());
  const { width, height } = host.getBoundingClientRect();
  const size = { width, height: height + SPARE };
  const rtl = getComputedStyle(host).direction === "rtl";
  const rect = anchor.getBoundingClientRect();
  const found = spot(size, view, clip(rect, view), answers, boxes(CONTENT, view, host), rtl);
  if (found) settle(host, found.x, found.y);
  else if (unit) dock(host, unit);
  delete host.dataset.unplaced;
  return Boolean(found);
}

/** What was done, as far as it is in view; its nearest edge when it is out of it. */
function clip(rect, view) {
  const within = (value, low, high) => Math.min(Math.max(value, low), high);
  const left = within(rect.left, view.left, view.right);
  const top = within(rect.top, view.top, view.bottom);
  const right = within(rect.right, view.left, view.right);
  const bottom = within(rect.bottom, view.top, view.bottom);
  return box(left, top, right - left, bottom - top);
}
