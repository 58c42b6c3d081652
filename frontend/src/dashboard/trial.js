// One question in full: the interval day by day around "no difference", both sides, and group by group.
import { max } from "d3-array";
import { scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";
import { h, s } from "./dom.js";
import { plot } from "./plot.js";
import { rows } from "./spans.js";

const TALL = 216;
const TOP = 28;
const AXIS = 28;
/** Intervals wider than so many times the newest run out of the plot: the first ones are very wide. */
const ROOM = 2.5;

/** The nodes of the panel.  found: as the server answers; choose: called with another measure. */
export function trial(page, found, choose) {
  return [found.measures.length > 1 && measures(page, found, choose), overTime(page, found), found.looks.length > 0 && segments(page, found)].filter(Boolean);
}

const kind = ({ measure }) => (measure === "items" ? { change: "signed", mean: "decimal" } : { change: "shift", mean: "share" });

function measures(page, found, choose) {
  const { t } = page.words;
  return h(
    "div",
    { class: "nudge-segmented", role: "group", "aria-label": t("measured_by") },
    found.measures.map((measure) =>
      h(
        "button",
        { type: "button", "aria-pressed": String(measure === found.measure), "data-measure": measure, onclick: () => choose(measure) },
        t(`measure_${measure}`),
      ),
    ),
  );
}

function overTime(page, found) {
  const { t, say, number, date, interval } = page.words;
  const how = kind(found);
  const marks = found.looks.map((look) => {
    const lines = [date(look.day), interval(look, how.change), t("learners_then", { count: number(look.learners) })];
    const mark = s("g", { class: "nudge-look", role: "img", "aria-label": lines.join(". ") });
    page.tip(mark, lines);
    return mark;
  });
  const holder = h("div", { class: "nudge-canvas nudge-trial-canvas" });
  if (marks.length) page.fit(holder, (width) => holder.replaceChildren(draw(page, found, marks, width)));
  const waiting = found.needed && journey(page, found);
  return plot(page, {
    name: "trial",
    inner: true,
    question: t("day_by_day"),
    finding: say(found.finding),
    body: [found.mean !== null && both(page, found), marks.length > 0 && holder, waiting],
    marks,
    notes: [
      found.alarm && h("strong", { class: "nudge-alarm" }, say(found.alarm)),
      found.count + found.base_count > 0 && say(found.how),
      found.narrowed && say(found.narrowed),
      marks.length > 0 && t("note_looks"),
    ],
    table: marks.length > 0 && {
      caption: say(found.finding),
      head: [t("day"), t("learners"), t(`axis_${found.measure}`)],
      rows: [...found.looks].reverse().map((look) => [date(look.day), number(look.learners), interval(look, how.change)]),
    },
  });
}

/** Both sides in figures. */
function both(page, found) {
  const { t, number } = page.words;
  const side = (label, mean, count) =>
    h(
      "div",
      {},
      h("dt", {}, label),
      h("dd", {}, h("strong", {}, page.words[kind(found).mean](mean)), ` ${t("of_moments", { count: number(count) })}`),
    );
  return h("dl", { class: "nudge-both" }, side(found.first, found.mean, found.count), side(found.base, found.base_mean, found.base_count));
}

function journey(page, { learners, needed }) {
  const { t, number } = page.words;
  const text = t("journey", { learners: number(learners), all: number(learners + needed) });
  return h("div", { class: "nudge-journey" }, h("progress", { max: learners + needed, value: learners, "aria-label": text }), h("span", {}, text));
}

function draw(page, found, marks, width) {
  const { t, date } = page.words;
  const { looks, worthwhile, verdict } = found;
  const write = page.words[kind(found).change];
  const newest = looks[looks.length - 1];
  const wide = width >= 600;
  const [near, far] = page.rtl ? [width - 48, wide ? 64 : 8] : [48, width - (wide ? 64 : 8)];
  const side = page.rtl ? 1 : -1;
  const day = (look) => Date.parse(look.day);
  const x = scaleLinear([looks.length > 1 ? day(looks[0]) : day(newest) - 864e5, day(newest)], [near, far]);
  const reach = newest.high - newest.low;
  const most = Math.max(worthwhile * 1.3, max(looks, ({ low, high }) => (high - low <= ROOM * reach ? Math.max(-low, high) : 0)));
  const least = Math.min(-worthwhile * 1.3, -Math.max(0, max(looks, ({ low, high }) => (high - low <= ROOM * reach ? -low : 0))));
  const y = scaleLinear([least, most], [TOP + TALL, TOP]).nice(5).clamp(true);
  const band = area().x((look) => x(day(look))).y0((look) => y(look.low)).y1((look) => y(look.high));
  const trend = line().x((look) => x(day(look))).y((look) => y(look.estimate));
  const step = Math.abs(far - near) / Math.max(1, looks.length - 1);

  looks.forEach((look, i) => {
    const middle = x(day(look));
    marks[i].replaceChildren(
      s("rect", { class: "nudge-touch", x: middle - step / 2, width: step, y: TOP, height: TALL, rx: 2 }),
      s("line", { class: "nudge-look-range", x1: middle, x2: middle, y1: y(look.low), y2: y(look.high) }),
      s("circle", { class: "nudge-look-dot", cx: middle, cy: y(look.estimate), r: 4 }),
    );
  });
  const every = Math.ceil(looks.length / Math.max(2, Math.floor(Math.abs(far - near) / 80)));
  const dated = looks.filter((_, i) => (looks.length - 1 - i) % every === 0);
  const values = [newest.high, newest.estimate, newest.low];
  const places = spaced(values.map(y));
  return s(
    "svg",
    { width, height: TOP + TALL + AXIS, role: "group", "aria-label": t("plot_keys"), class: `nudge-svg nudge-verdict-${verdict}` },
    s("rect", { class: "nudge-trifle nudge-stripe", x: Math.min(near, far), width: Math.abs(far - near), y: y(worthwhile), height: y(-worthwhile) - y(worthwhile) }),
    y.ticks(5).map((tick) => [
      tick && s("line", { class: "nudge-rule", x1: near, x2: far, y1: y(tick), y2: y(tick) }),
      s("text", { class: "nudge-tick", x: near + side * 8, y: y(tick), dy: "0.32em", "text-anchor": "end" }, write(tick)),
    ]),
    s("text", { class: "nudge-caption", x: near + side * 40, y: 14, "text-anchor": "start" }, t(`axis_${found.measure}`)),
    marks,
    looks.length > 1 && s("path", { class: "nudge-band", d: band(looks) }),
    looks.length > 1 && s("path", { class: "nudge-trend", d: trend(looks) }),
    s("line", { class: "nudge-zero", x1: near, x2: far, y1: y(0), y2: y(0) }),
    y(0) - y(worthwhile) > 18 && s("text", { class: "nudge-tick nudge-halo", x: near - side * 6, y: y(0) - 5, "text-anchor": "start" }, t("no_difference")),
    s("line", { class: "nudge-range", x1: x(day(newest)), x2: x(day(newest)), y1: y(newest.low), y2: y(newest.high) }),
    s("circle", { class: "nudge-dot", cx: x(day(newest)), cy: y(newest.estimate), r: 5 }),
    wide &&
      values.map((value, i) =>
        s("text", { class: i === 1 ? "nudge-value" : "nudge-tick", x: far - side * 12, y: places[i], dy: "0.32em", "text-anchor": "start" }, write(value)),
      ),
    dated.map((look) => {
      const last = look === newest && !wide;
      return s("text", { class: "nudge-tick", x: last ? far : x(day(look)), y: TOP + TALL + 20, "text-anchor": last ? "end" : "middle" }, date(look.day));
    }),
  );
}

/** Heights from the top down, moved apart where texts would overlap. */
function spaced([first, middle, last]) {
  return [Math.min(first, middle - 15), middle, Math.max(last, middle + 15)];
}

// Group by group

function segments(page, found) {
  const { t, say, number, interval } = page.words;
  const { finding, divisions } = found.segments;
  const how = kind(found);
  const marks = [];
  const shown = divisions.filter((division) => division.rows.length);
  const every = shown.flatMap((division) => division.rows.map((row) => row.change)).filter(Boolean);
  const widest = (max(every, ({ low, high }) => Math.max(-low, high)) || found.worthwhile) * 1.1;
  const few = (lines) => lines.filter((row) => !row.change).map((row) => row.label);
  const cell = (title, row) => {
    const words = interval(row.change, how.change);
    const lines = [`${title}: ${row.label}`, t("about_learners", { count: number(row.learners) }), words, ...(row.found ? [t("found_alone")] : [])];
    const mark = shift(page, row, found, widest, lines);
    marks.push(mark);
    return mark;
  };
  const body = rows(
    page,
    [t("learners"), t(`axis_${found.measure}`)],
    shown.map(({ title, rows: lines, hidden }) => ({
      title,
      note: [few(lines).length > 0 && t("too_few_sides", { list: page.words.list(few(lines)) }), hidden && t("some_hidden")].filter(Boolean).join(" "),
      rows: lines.filter((row) => row.change).map((row) => [
        [h("span", {}, row.label), h("small", {}, t("about", { count: number(row.learners) }))],
        cell(title, row),
      ]),
    })),
    () => scale(page, widest, how.change),
  );
  const secret = divisions.filter((division) => !division.rows.length).map((division) => division.title);
  return plot(page, {
    name: "segments",
    inner: true,
    question: t("question_segments"),
    finding: say(finding),
    body: shown.length > 0 && body,
    marks,
    notes: [shown.length > 0 && t("note_segments"), secret.length > 0 && t("note_secret", { list: page.words.list(secret) })],
    table: shown.length > 0 && {
      caption: say(finding),
      head: [t("group"), t("learners"), t(`axis_${found.measure}`), t("found_head")],
      rows: shown.flatMap(({ title, rows: lines }) =>
        lines.map((row) => [
          `${title}: ${row.label}`,
          t("about", { count: number(row.learners) }),
          row.change ? interval(row.change, how.change) : t("too_few_side"),
          row.found ? t("found_alone") : "–",
        ]),
      ),
    },
  });
}

/** One group's interval on the scale around "no difference". */
function shift(page, { change, found: alone }, { change: overall, measure }, widest, lines) {
  const at = (value) => {
    const place = (value / widest + 1) / 2;
    return `${(page.rtl ? 1 - place : place) * 100}%`;
  };
  const mark = s(
    "svg",
    { class: `nudge-span nudge-shift ${alone ? "nudge-found" : ""}`, role: "img", "aria-label": lines.join(". "), height: 36 },
    s("line", { class: "nudge-rule", x1: "0%", x2: "100%", y1: 25, y2: 25 }),
    s("line", { class: "nudge-zero", x1: at(0), x2: at(0), y1: 0, y2: 36 }),
    overall && s("line", { class: "nudge-reference", x1: at(overall.estimate), x2: at(overall.estimate), y1: 0, y2: 36 }),
    s("line", { class: "nudge-range", x1: at(change.low), x2: at(change.high), y1: 25, y2: 25 }),
    s("circle", { class: "nudge-dot", cx: at(change.estimate), cy: 25, r: 5 }),
    s("text", { class: "nudge-value", x: at(change.estimate), y: 13, "text-anchor": "middle" }, page.words[kind({ measure }).change](change.estimate)),
  );
  page.tip(mark, lines);
  return mark;
}

function scale(page, widest, how) {
  const ends = [
    [-widest, 0, "start"],
    [0, 0.5, "middle"],
    [widest, 1, "end"],
  ];
  return s(
    "svg",
    { class: "nudge-scale", height: 16, "aria-hidden": "true" },
    ends.map(([value, place, anchor]) =>
      s("text", { class: "nudge-tick", x: `${(page.rtl ? 1 - place : place) * 100}%`, y: 12, "text-anchor": anchor }, page.words[how](value)),
    ),
  );
}
