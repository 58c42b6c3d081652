// Cards to look at: the learner's own, answering as they would, but telling nobody.
import { make } from "./card.js";

/** Fills each `.nudge-preview` of `element` with the card that its data describe. */
export function preview(element, args) {
  for (const mount of element.querySelectorAll(".nudge-preview")) {
    draw(mount, JSON.parse(mount.dataset.nudge), args.text);
  }
}

/** Draws one card into `mount`, replacing what is there; closing it starts it over. */
export function draw(mount, nudge, text) {
  const again = (what, event) => {
    if (event) event.preventDefault();
    if (what === "dismissed") draw(mount, nudge, text);
  };
  const { host } = make(nudge, text, again);
  if (mount.dataset.scheme) host.dataset.scheme = mount.dataset.scheme;
  mount.replaceChildren(host);
}
