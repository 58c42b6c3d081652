// What was shown and held back: a bar per day, and below it the share held back with its interval.
import { max, mean } from "d3-array";
import { scaleBand, scaleLinear } from "d3-scale";
import { area, line, stack } from "d3-shape";
import { h, s } from "./dom.js";
import { plot } from "./plot.js";
import { PERIODS } from "./state.js";

const TALL = 208;
const STRIP = 48;
const GAP = 36;
const AXIS = 28;
const TOP = 12;
const TEXT = 18;

/** Section one.  `shown` is that part of the overview. */
export function days(page, shown) {
  const { t, say, number, weekday, interval, share } = page.words;
  const series = [{ name: "sent", label: t("shown") }, ...shown.kinds];
  const count = (day, name) => (name === "sent" ? day.sent : day.held[name]);
  const total = (day) => series.reduce((sum, { name }) => sum + count(day, name), 0);
  const holder = h("div", { class: "nudge-canvas" });
  const today = shown.days.length - 1;
  const marks = shown.days.map((day, i) => {
    const name = i === today ? t("so_far", { day: weekday(day.day) }) : weekday(day.day);
    const parts = series.filter(({ name }) => count(day, name));
    const lines = parts.map(({ name, label }) => `${label}: ${number(count(day, name))}`);
    if (!lines.length) lines.push(t("nothing_that_day"));
    else lines.push(t("held_share", { share: interval(day.share) }));
    const mark = s("g", { class: "nudge-day", role: "img", "aria-label": [name, ...lines].join(". ") });
    page.tip(mark, [name, ...lines]);
    return mark;
  });
  const legend = h(
    "ul",
    { class: "nudge-legend" },
    series.map(({ name, label }) => h("li", {}, h("i", { class: `nudge-chip nudge-fill-${name}` }), label)),
  );
  page.fit(holder, (width) => holder.replaceChildren(draw(page, shown, series, count, total, marks, width)));

  return plot(page, {
    name: "shown",
    question: t("question_shown"),
    finding: say(shown.finding),
    tools: [!page.example && period(page)],
    body: [legend, holder],
    marks,
    notes: [t("note_days")],
    table: {
      caption: say(shown.finding),
      head: [t("day"), ...series.map(({ label }) => label), t("share_held")],
      rows: shown.days.map((day) => [
        weekday(day.day),
        ...series.map(({ name }) => number(count(day, name))),
        total(day) ? interval(day.share) : share(0),
      ]),
    },
  });
}

function period(page) {
  const { t, number } = page.words;
  return h(
    "div",
    { class: "nudge-segmented", role: "group", "aria-label": t("period") },
    PERIODS.map((days) =>
      h(
        "button",
        {
          type: "button",
          "aria-pressed": String(page.state.days === days),
          "data-days": days,
          onclick: () => page.choose({ days }),
        },
        t("last_days", { days: number(days) }),
      ),
    ),
  );
}

function draw(page, shown, series, count, total, marks, width) {
  const { t, number, share, date } = page.words;
  const wide = width >= 600;
  const start = 40;
  const end = wide ? 224 : 4;
  const flip = (from, to) => (page.rtl ? [width - from, width - to] : [from, to]);
  const x = scaleBand(shown.days.map((day) => day.day), flip(start, width - end)).paddingInner(0.25);
  const most = max(shown.days, total) || 1;
  const y = scaleLinear([0, most], [TOP + TALL, TOP]).nice(4);
  const base = TOP + TALL + GAP;
  const z = scaleLinear([0, 1], [base + STRIP, base]);
  const near = page.rtl ? width - start : start;
  const far = page.rtl ? end : width - end;
  const side = page.rtl ? 1 : -1;

  const rules = (scale, ticks, write) =>
    ticks.map((tick) => [
      s("line", { class: "nudge-rule", x1: near, x2: far, y1: scale(tick), y2: scale(tick) }),
      s("text", { class: "nudge-tick", x: near + side * 8, y: scale(tick), dy: "0.32em", "text-anchor": "end" }, write(tick)),
    ]);

  const layers = stack().keys(series.map(({ name }) => name)).value((day, name) => count(day, name))(shown.days);
  shown.days.forEach((day, i) => {
    const bars = layers
      .map((layer) => ({ name: layer.key, from: layer[i][0], to: layer[i][1] }))
      .filter(({ from, to }) => to > from)
      .map(({ name, from, to }) =>
        s("rect", {
          class: `nudge-fill-${name}`,
          x: x(day.day),
          width: x.bandwidth(),
          y: y(to),
          height: Math.max(y(from) - y(to) - (from ? 1 : 0), 1),
        }),
      );
    const reach = (x.step() - x.bandwidth()) / 2;
    marks[i].replaceChildren(
      s("rect", {
        class: "nudge-touch",
        x: x(day.day) - reach,
        width: x.step(),
        y: TOP,
        height: base + STRIP - TOP,
        rx: 2,
      }),
      ...bars,
    );
  });

  const known = shown.days.filter(total);
  const middle = (day) => x(day.day) + x.bandwidth() / 2;
  const band = area().x(middle).y0((day) => z(day.share.low)).y1((day) => z(day.share.high));
  const trend = line().x(middle).y((day) => z(day.share.estimate));
  const every = Math.ceil(shown.days.length / Math.max(2, Math.floor((width - start - end) / 72)));
  const ticks = y.ticks(4).filter(Number.isInteger);

  return s(
    "svg",
    { width, height: base + STRIP + AXIS, role: "group", "aria-label": t("plot_keys"), class: "nudge-svg" },
    rules(y, ticks, number),
    rules(z, [0, 1], share),
    s("text", { class: "nudge-caption", x: near, y: base - 12, "text-anchor": "start" }, t("share_held")),
    marks,
    known.length > 1 && s("path", { class: "nudge-band", d: band(known) }),
    known.length > 1 && s("path", { class: "nudge-trend", d: trend(known) }),
    known.length === 1 && [
      s("line", { class: "nudge-trend", x1: middle(known[0]), x2: middle(known[0]), y1: z(known[0].share.low), y2: z(known[0].share.high) }),
      s("circle", { class: "nudge-spot", cx: middle(known[0]), cy: z(known[0].share.estimate), r: 4 }),
    ],
    shown.days.map(
      (day, i) =>
        (shown.days.length - 1 - i) % every === 0 &&
        s(
          "text",
          {
            class: "nudge-tick",
            x: wide || i < shown.days.length - 1 ? middle(day) : far,
            y: base + STRIP + 20,
            "text-anchor": wide || i < shown.days.length - 1 ? "middle" : "end",
          },
          date(day.day),
        ),
    ),
    wide && known.length > 0 && labels(series, shown, layers, y, far, side),
  );
}

/** Names at the height that their part of the bars had lately, moved apart where they would overlap. */
function labels(series, shown, layers, y, far, side) {
  const high = (i) => layers[layers.length - 1][i][1];
  const tall = max(shown.days, (day, i) => high(i)) / 2;
  const lately = shown.days.map((day, i) => i).filter((i) => high(i) >= tall).slice(-7);
  const places = layers.map((layer, i) => ({
    ...series[i],
    at: mean(lately, (day) => (y(layer[day][0]) + y(layer[day][1])) / 2),
  }));
  let floor = TOP + TALL + 4;
  for (const place of places) {
    place.y = Math.min(place.at, floor);
    floor = place.y - TEXT;
  }
  let ceiling = TOP;
  for (const place of [...places].reverse()) {
    place.y = Math.max(place.y, ceiling);
    ceiling = place.y + TEXT;
  }
  return places.map((place) => [
    s("rect", { class: `nudge-fill-${place.name}`, x: far - side * 14 - 5, y: place.y - 5, width: 10, height: 10, rx: 2 }),
    s("text", { class: "nudge-label", x: far - side * 28, y: place.y, dy: "0.32em", "text-anchor": "start" }, place.label),
  ]);
}
