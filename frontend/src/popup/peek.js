// Where a card found no room it waits at the unit's end; a small sign within view leads to it.
import css from "./peek.shadow.css";
import { el, shadow } from "./dom.js";
import { place, visible } from "./place.js";

/** So much of a card within view is a sign by itself, in pixels. */
const ENOUGH = 40;

/** Scrolls this page, and, where it is a unit in an iframe, asks the page around it to. */
function bring(host) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  host.scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
  if (window.parent !== window) {
    window.parent.postMessage({ offset: host.getBoundingClientRect().top + scrollY }, document.referrer || "*");
  }
}

/** Puts a sign with the card's `heading` into view, unless it too would cover an answer; answers how to remove it. */
export async function peek(host, heading, anchor) {
  const view = await visible();
  const { top } = host.getBoundingClientRect();
  if (top >= view.top && top + ENOUGH <= view.bottom) return () => {};
  const sign = el("div", { className: "nudge-peek" });
  const remove = () => sign.remove();
  const open = () => {
    remove();
    bring(host);
    host.shadowRoot.querySelector(".card").focus({ preventScroll: true });
  };
  shadow(sign, css).append(
    el("button", { type: "button", onclick: open }, el("span", { dir: "auto", textContent: heading }), el("i", { "aria-hidden": "true" })),
  );
  host.parentElement.insertBefore(sign, host);
  if (!(await place(sign, anchor, null))) remove();
  return remove;
}
