// The card itself: what it says and how it answers.  Where it goes is place.js, what it means is page.js.
import css from "./card.shadow.css";
import { el, safe, shadow } from "./dom.js";

const ICONS = {
  yes: "M7 10.5V20M7 10.5l3.6-6.3c1.5 0 2.6 1.2 2.4 2.7l-.5 3.1h5.2c1.3 0 2.2 1.2 1.9 2.4l-1.3 5.4c-.3 1.3-1.4 2.2-2.7 2.2H7M7 10.5H4V20h3",
  no: "M17 13.5V4M17 13.5l-3.6 6.3c-1.5 0-2.6-1.2-2.4-2.7l.5-3.1H6.3c-1.3 0-2.2-1.2-1.9-2.4l1.3-5.4C6 4.9 7.1 4 8.4 4H17M17 13.5h3V4h-3",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS(svg.namespaceURI, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

const button = (label, className, onclick, ...before) => {
  const made = el("button", { type: "button", className, onclick }, ...before);
  made.append(label);
  return made;
};

/** A link within the course replaces the page around the unit; any other opens beside it. */
function link({ label, url }, onclick) {
  const here = new URL(url, document.baseURI);
  const inside = here.host === location.host;
  const target = url.startsWith("#") ? "_self" : inside ? "_top" : "_blank";
  return el("a", { className: "action", href: url, target, rel: "noopener", textContent: label, onclick });
}

/**
 * Makes a card for `nudge` = {heading, body, action}, worded by `text`.
 *
 * `on(what)` hears helpful, not_helpful, undo, clicked, dismissed, fewer, stop and resume.  The answer is
 * `{host}`, the element to put on the page.
 */
export function make(nudge, text, on) {
  const host = el("div", { className: "nudge-card" });
  const root = shadow(host, css);
  const status = el("p", { className: "status", role: "status" });
  const foot = el("div", { className: "foot" });
  const card = el("section", { className: "card", "aria-labelledby": "heading", "aria-describedby": "body", tabIndex: -1 });

  const swap = (row, ...children) => {
    const inside = root.activeElement;
    row.replaceChildren(...children);
    // The button that was pressed is gone: the way on from it must not be.
    if (inside && !inside.isConnected) (row.querySelector("button") || card).focus({ preventScroll: true });
  };

  const close = (label = text.close) => button(label, "quiet", () => on("dismissed"));

  const asking = () => {
    const question = el("p", { id: "question", className: "question", textContent: text.question });
    const voting = el("div", { className: "vote", role: "group", "aria-labelledby": "question" }, question);
    const choices = el("div", { className: "choices" });
    choices.append(
      button(text.yes, "choice", () => vote("helpful"), icon("yes")),
      button(text.no, "choice", () => vote("not_helpful"), icon("no")),
    );
    voting.append(choices);
    return voting;
  };

  const answered = el("div", { className: "answer" });
  const tell = (words, seen = true) => {
    status.textContent = words;
    status.classList.toggle("unseen", !seen);
  };
  const vote = (what) => {
    on(what);
    tell(what === "helpful" ? text.thanks_yes : text.thanks_no);
    swap(answered, button(text.undo, "quiet", undo));
    swap(foot, close(), fewer());
  };
  const undo = () => {
    on("undo");
    // The question is back, which says it to the eye.
    tell(text.undone, false);
    swap(answered, asking());
    swap(foot, close(text.not_now), fewer());
  };

  const fewer = () =>
    button(text.fewer, "quiet", () => {
      on("fewer");
      tell(text.fewer_done);
      swap(answered);
      swap(foot, close(), button(text.stop, "quiet", stop));
    });
  const stop = () => {
    on("stop");
    tell(text.stop_done);
    swap(foot, close(), button(text.resume, "quiet", resume));
  };
  const resume = () => {
    on("resume");
    tell(text.resume_done);
    swap(foot, close());
  };

  const action = nudge.action && nudge.action.label && safe(nudge.action.url) ? nudge.action : null;
  answered.append(asking());
  foot.append(close(text.not_now), fewer());
  card.append(
    el("h3", { id: "heading", dir: "auto", textContent: nudge.heading }),
    el("p", { id: "body", className: "body", dir: "auto", textContent: nudge.body }),
    ...(action ? [link(action, (event) => on("clicked", event))] : []),
    el("div", { className: "reply" }, status, answered),
    foot,
  );
  root.append(card);
  return { host };
}
