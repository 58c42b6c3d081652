// Experiments: every nudge with who gets what, and each question with its answer; one of them can be looked into.
import { h, s, fresh } from "./dom.js";
import { trial } from "./trial.js";

const TONES = ["sent", "learner", "placement", "enough"];

/** The section that fetches its own figures: they change once a day and take longer than the rest. */
export function experiments(page) {
  const { t } = page.words;
  const title = fresh("title");
  const section = h("section", { class: "nudge-section nudge-section-experiments", "aria-labelledby": title });
  const head = (finding) => [
    h("div", { class: "nudge-bar" }, h("p", { class: "nudge-question" }, t("question_experiments"))),
    h("h3", { class: "nudge-finding", id: title }, finding),
  ];
  const draw = (found) => {
    const begun = found.nudges.filter((nudge) => nudge.moments > 0);
    const idle = found.nudges.filter((nudge) => !nudge.moments).map((nudge) => nudge.title);
    section.replaceChildren(
      ...head(page.words.say(found.finding)),
      h("ol", { class: "nudge-trials" }, begun.map((nudge) => one(page, nudge))),
      ...(idle.length ? [h("p", { class: "nudge-note" }, t("not_begun", { list: page.words.list(idle) }))] : []),
      h("p", { class: "nudge-note" }, t("note_experiments", { day: page.words.date(found.through) })),
    );
  };
  if (page.asked.ready) draw(page.asked.ready);
  else {
    section.replaceChildren(...head(t("experiments_waiting")), h("progress", { class: "nudge-wide", "aria-label": t("experiments_waiting") }));
    page.asked.fetch().then(draw, (error) => {
      const again = h("button", { type: "button", class: "nudge-button", onclick: () => section.replaceWith(experiments(page)) }, t("try_again"));
      section.replaceChildren(...head(t("experiments_failed")), h("p", {}, t(`remedy_${error.why ?? "broken"}`)), again);
    });
  }
  return section;
}

/** What was fetched about experiments; kept until somebody refreshes, as it changes once a day. */
export class Asked {
  constructor(page) {
    this.page = page;
    this.ready = null;
    this.details = new Map();
  }

  async fetch() {
    const found = await this.page.ask("analytics", { view: "experiments", example: this.page.example });
    this.ready = found;
    return found;
  }

  /** What is known already of a question; else nothing. */
  known({ nudge, against, measure }) {
    return this.details.get(`${nudge}.${against}.${measure}`);
  }

  async detail({ nudge, against, measure }) {
    const found = await this.page.ask("analytics", { view: "experiment", example: this.page.example, nudge, against, measure });
    this.details.set(`${nudge}.${against}.${measure}`, found);
    return found;
  }
}

/** One nudge. */
function one(page, nudge) {
  const { t, number } = page.words;
  const notes = [
    t("moments_count", { count: number(nudge.moments) }),
    nudge.audience && t("only_for", { audience: nudge.audience }),
    !nudge.active && t("no_longer_used"),
  ];
  return h(
    "li",
    { class: "nudge-trial-of" },
    h("h4", { class: "nudge-trial-title" }, nudge.title),
    h("p", { class: "nudge-small" }, notes.filter(Boolean).join(" · ")),
    shares(page, nudge.shares),
    h("ul", { class: "nudge-questions" }, nudge.questions.map((question) => row(page, nudge, question))),
  );
}

/** Who gets what: one bar, and the same in words below it. */
function shares(page, list) {
  const { t, share, number } = page.words;
  const tone = ({ tone: place }) => (place === "none" ? "not_for_them" : TONES[place % TONES.length]);
  let start = 0;
  const bars = list.map((part) => {
    const place = page.rtl ? 1 - start - part.share : start;
    start += part.share;
    return s("rect", { class: `nudge-fill-${tone(part)}`, x: `${place * 100}%`, width: `${part.share * 100}%`, y: 1, height: 10 });
  });
  const word = (part) => {
    const chip = h("i", { class: `nudge-chip nudge-fill-${tone(part)}` });
    const label = part.active ? part.label : `${part.label} (${t("no_longer_used")})`;
    const item = h("li", {}, chip, h("span", {}, h("strong", {}, share(part.share)), ` ${label}`));
    item.setAttribute("title", t("by_chance", { chance: number(part.chance), count: number(part.count) }));
    return item;
  };
  return h(
    "div",
    { class: "nudge-shares" },
    s("svg", { class: "nudge-share-bar", height: 12, "aria-hidden": "true" }, bars),
    h("ul", { class: "nudge-legend", "aria-label": t("who_sees") }, list.map(word)),
  );
}

/** One question: its answer, and a button that shows what it rests on. */
function row(page, nudge, question) {
  const { t, say } = page.words;
  const panel = fresh("panel");
  const holder = h("div", { class: "nudge-closer", id: panel, hidden: true });
  const answer = h("span", { class: "nudge-answer" }, h("small", {}, question.label), say(question.finding));
  const button = h(
    "button",
    { type: "button", class: "nudge-button", "aria-expanded": "false", "aria-controls": panel, "data-question": `${nudge.id}.${question.against}` },
  );
  const label = (open) => {
    button.textContent = t(open ? "close" : "look_closer");
    button.setAttribute("aria-expanded", String(open));
    button.setAttribute("aria-label", `${button.textContent}: ${say(question.finding)}`);
  };
  const asked = { nudge: nudge.id, against: question.against, measure: question.measure };
  const mine = page.state.experiment?.nudge === nudge.id && page.state.experiment.against === question.against;
  const open = async (measure) => {
    if (page.opened !== close) page.opened?.();
    page.opened = close;
    page.state.experiment = { ...asked, measure };
    page.keep();
    label(true);
    holder.hidden = false;
    await show(page, holder, page.state.experiment, open);
  };
  function close() {
    page.opened = null;
    page.state.experiment = null;
    page.keep();
    label(false);
    holder.hidden = true;
    holder.replaceChildren();
  }
  button.addEventListener("click", () => (holder.hidden ? open(question.measure) : close()));
  label(false);
  if (mine) open(page.state.experiment.measure || question.measure);
  const can = question.verdict !== "no_comparison";
  const badge = h("span", { class: `nudge-badge nudge-badge-${question.verdict}` }, t(`verdict_${question.verdict}`));
  return h("li", { class: "nudge-question-row" }, h("div", { class: "nudge-question-line" }, badge, answer, can && button), holder);
}

/** Fills the panel under a question. */
async function show(page, holder, asked, choose) {
  const { t } = page.words;
  const known = page.asked.known(asked);
  if (known) return fill(page, holder, known, choose);
  if (!holder.childElementCount) holder.replaceChildren(h("progress", { "aria-label": t("experiments_waiting") }));
  holder.setAttribute("aria-busy", "true");
  try {
    const found = await page.asked.detail(asked);
    if (page.state.experiment !== asked) return;
    fill(page, holder, found, choose);
  } catch (error) {
    if (!error.why) throw error;
    const again = h("button", { type: "button", class: "nudge-button", onclick: () => choose(asked.measure) }, t("try_again"));
    holder.replaceChildren(h("p", { role: "alert" }, `${t("experiments_failed")} ${t(`remedy_${error.why}`)}`), again);
  } finally {
    holder.removeAttribute("aria-busy");
  }
}

/** Draws an answer; the measure's button keeps the focus. */
function fill(page, holder, found, choose) {
  const place = [...holder.querySelectorAll("button")].indexOf(page.focused());
  holder.replaceChildren(...trial(page, found, choose));
  if (place >= 0) holder.querySelectorAll("button")[place]?.focus({ preventScroll: true });
  page.announce(page.words.say(found.finding));
}
