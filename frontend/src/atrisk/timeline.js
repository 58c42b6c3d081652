// The risk day by day, with the course's limits behind it; each day says what moved it and what was done.
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { fit } from "../communicator/fit.js";
import { h, s } from "../dashboard/dom.js";
import { plot } from "../dashboard/plot.js";
import { TIERS } from "./tier.js";

const TOP = 12;
const TALL = 190;
const AXIS = 44;
/** Pixels from one date to the next. */
const LABEL = 96;
const DAY = 86400000;
const WEEK = 7;

export function timeline(risk, found) {
  const { words } = risk;
  const { t, percent, weekday } = words;
  const { days } = found;
  if (!days.length) return "";
  const done = days.map(({ day }) => found.history.filter(({ at, what }) => at.slice(0, 10) === day && what !== "note"));
  const holder = h("div", { class: "nudge-canvas" });
  const marks = days.map((day, i) => {
    const lines = [weekday(day.day), t("case_risk_now", { now: percent(day.chance) }), ...moves(words, day.moved), ...done[i].map(({ words: what }) => what)];
    const mark = s("g", { class: "nudge-day", role: "img", "aria-label": lines.join(". ") });
    risk.page.tip(mark, lines);
    return mark;
  });
  fit(holder, (width) => holder.replaceChildren(draw(risk, found, done, marks, width)));
  return plot(risk.plots, {
    name: "days",
    question: t("case_question_days"),
    finding: finding(words, found),
    body: holder,
    marks,
    notes: [t("case_note_days")],
    table: {
      caption: t("case_question_days"),
      head: [t("case_day"), t("case_head_risk"), t("case_moved"), t("case_done")],
      rows: [...days.keys()].reverse().map((i) => [weekday(days[i].day), percent(days[i].chance), moves(words, days[i].moved).join(", ") || "–", done[i].map(({ words: what }) => what).join(", ") || "–"]),
    },
  });
}

/** "Absence: 5 points more", for what moved the risk by a point or more. */
function moves({ t, n }, moved) {
  return (moved ?? []).filter(({ points }) => Math.round(points)).map(({ words, points }) => t("case_move", { what: words, points: n(points > 0 ? "case_plus" : "case_minus", Math.abs(Math.round(points))) }));
}

/** The newest day that is known, against a week before, and what moved it most since. */
function finding(words, { days }) {
  const { t, n, percent } = words;
  const last = days[days.length - 1];
  const now = percent(last.chance);
  const from = Date.parse(last.day) - WEEK * DAY;
  const before = days.filter(({ day }) => Date.parse(day) <= from).pop();
  if (!before) return t("case_first_days", { now });
  const change = last.chance - before.chance;
  if (!change) return t("case_steady", { now });
  const sums = new Map();
  for (const { day, moved } of days) {
    if (Date.parse(day) > from) for (const one of moved ?? []) sums.set(one.words, (sums.get(one.words) ?? 0) + one.points);
  }
  const [most] = [...sums].filter(([, points]) => points * change > 0).sort(([, one], [, other]) => Math.abs(other) - Math.abs(one));
  const said = n(change > 0 ? "case_rose" : "case_fell", Math.abs(change), { now });
  return most ? `${said} ${t("case_mostly", { what: most[0] })}` : said;
}

function draw(risk, { days, limits, tier }, done, marks, width) {
  const { t, percent, date } = risk.words;
  const flip = (x) => (risk.rtl ? width - x : x);
  const [start, end] = [44, limits ? 92 : 16];
  const base = TOP + TALL;
  const times = days.map(({ day }) => Date.parse(day));
  const last = times[times.length - 1];
  const x = scaleLinear([Math.min(times[0], last - WEEK * DAY), last], [flip(start + 8), flip(width - end - 8)]);
  const y = scaleLinear([0, 100], [base, TOP]);
  const now = y(days[days.length - 1].chance);
  const [near, far] = [flip(start), flip(width - end)];
  const side = risk.rtl ? -1 : 1;
  const step = Math.max(Math.abs(x(DAY) - x(0)), 6);

  const lanes = limits
    ? TIERS.map((name, i) => {
        const [from, to] = [limits[name], i ? limits[TIERS[i - 1]] : 100];
        return [
          s("line", { class: `nudge-lane-edge nudge-tier-${name}`, x1: near, x2: far, y1: y(from), y2: y(from) }),
          s("rect", { class: `nudge-lane nudge-tier-${name}`, x: Math.min(near, far), width: Math.abs(far - near), y: y(to), height: Math.max(y(from) - y(to), 0) }),
          to > from && s("text", { class: "nudge-tick", x: far + side * 8, y: (y(from) + y(to)) / 2, dy: "0.32em", "text-anchor": "start" }, t(`tier_${name}`)),
        ];
      })
    : [];
  days.forEach((day, i) => {
    marks[i].replaceChildren(
      s("rect", { class: "nudge-touch", x: x(times[i]) - step / 2, width: step, y: TOP, height: TALL + 16 }),
      s("circle", { class: "nudge-day-dot", cx: x(times[i]), cy: y(day.chance), r: i === days.length - 1 ? 5 : 2.5 }),
      done[i].length ? s("path", { class: "nudge-done", d: `M${x(times[i])},${base + 4}l5,5l-5,5l-5,-5z` }) : "",
    );
  });
  const every = Math.max(1, Math.ceil(LABEL / step));
  const dated = times.map((time, i) => [time, i]).filter(([, i]) => (days.length - 1 - i) % every === 0);
  return s(
    "svg",
    { width, height: base + AXIS, role: "group", "aria-label": t("plot_walk"), class: `nudge-svg nudge-timeline nudge-tier-${tier}` },
    lanes,
    [0, 25, 50, 75, 100].map((tick) => [
      s("line", { class: "nudge-rule", x1: near, x2: far, y1: y(tick), y2: y(tick) }),
      s("text", { class: "nudge-tick", x: near - side * 8, y: y(tick), dy: "0.32em", "text-anchor": "end" }, percent(tick)),
    ]),
    s("path", { class: "nudge-course", d: line((_, i) => x(times[i]), ({ chance: share }) => y(share))(days) }),
    marks,
    s("text", { class: "nudge-value", x: x(last), y: now > TOP + 16 ? now - 12 : now + 20, "text-anchor": days.length > 1 ? "end" : "middle" }, percent(days[days.length - 1].chance)),
    dated.map(([time]) => s("text", { class: "nudge-tick", x: x(time), y: base + 32, "text-anchor": time === last ? "end" : "middle" }, date(time))),
  );
}
