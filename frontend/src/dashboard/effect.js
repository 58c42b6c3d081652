// Did it help, as learners act: what was completed afterwards, sent against held back.
import { h, s } from "./dom.js";
import { plot } from "./plot.js";

/** Section three, second half.  `effect` is that part of the overview. */
export function effect(page, found) {
  const { t, say, number, decimal, signed, interval } = page.words;
  const marks = [];
  const body = [];
  if (found.change) body.push(scale(page, found, marks));
  if (found.needed) body.push(journey(page, found));
  const known = found.sent_mean !== null;
  return plot(page, {
    name: "effect",
    question: t("question_effect", { days: number(found.days) }),
    finding: say(found.finding),
    body,
    marks,
    notes: [
      found.alarm && h("strong", { class: "nudge-alarm" }, say(found.alarm)),
      known && say(found.how),
      found.narrowed && say(found.narrowed),
      found.control && say(found.control),
      found.change && t("note_effect"),
    ],
    table: known && {
      caption: say(found.finding),
      head: [t("side"), t("moments"), t("items_after", { days: number(found.days) })],
      rows: [
        [t("sent_side"), number(found.sent), decimal(found.sent_mean)],
        [t("held_side"), number(found.held), decimal(found.held_mean)],
        [t("difference"), number(found.sent + found.held), found.change ? interval(found.change, "signed") : signed(found.sent_mean - found.held_mean)],
      ],
    },
  });
}

/** The interval on a scale around "no change", with what is too little to matter shaded. */
function scale(page, { change, worthwhile, verdict, finding }, marks) {
  const { t, say, signed } = page.words;
  const widest = Math.max(Math.abs(change.low), Math.abs(change.high), worthwhile) * 1.25;
  const at = (value) => {
    const place = (value / widest + 1) / 2;
    return `${(page.rtl ? 1 - place : place) * 100}%`;
  };
  const [low, high] = page.rtl ? [worthwhile, -worthwhile] : [-worthwhile, worthwhile];
  const width = `${(worthwhile / widest) * 100}%`;
  const mark = s(
    "g",
    { class: "nudge-effect", role: "img", "aria-label": say(finding) },
    s("rect", { class: "nudge-touch", x: "0%", width: "100%", y: 24, height: 48, rx: 2 }),
    s("line", { class: "nudge-range", x1: at(change.low), x2: at(change.high), y1: 48, y2: 48 }),
    s("circle", { class: "nudge-dot", cx: at(change.estimate), cy: 48, r: 7 }),
    [change.low, change.estimate, change.high].map((value, i) =>
      s("text", { class: i === 1 ? "nudge-value" : "nudge-tick", x: at(value), y: i === 1 ? 34 : 70, "text-anchor": "middle" }, signed(value)),
    ),
  );
  page.tip(mark, [say(finding)]);
  marks.push(mark);
  return s(
    "svg",
    { class: `nudge-svg nudge-wide nudge-verdict-${verdict}`, height: 124, role: "group", "aria-label": t("plot_keys") },
    s("rect", { class: "nudge-trifle", x: at(low), width, y: 8, height: 80 }),
    s("line", { class: "nudge-zero", x1: at(0), x2: at(0), y1: 8, y2: 88 }),
    mark,
    s("text", { class: "nudge-tick", x: at(0), y: 108, "text-anchor": "middle" }, t("no_change")),
    s("text", { class: "nudge-tick", x: at(-widest), y: 108, "text-anchor": "start" }, t("fewer_items")),
    s("text", { class: "nudge-tick", x: at(widest), y: 108, "text-anchor": "end" }, t("more_items")),
  );
}

/** How far the comparison is from an answer. */
function journey(page, { learners, needed }) {
  const { t, number } = page.words;
  const text = t("journey", { learners: number(learners), all: number(learners + needed) });
  return h(
    "div",
    { class: "nudge-journey" },
    h("progress", { max: learners + needed, value: learners, "aria-label": text }),
    h("span", {}, text),
  );
}
