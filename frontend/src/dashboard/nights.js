// Is tonight's model better than last week's: one line per night, and a button to run the job now.
import { extent } from "d3-array";
import { scaleLinear } from "d3-scale";
import { h, s } from "./dom.js";
import { job } from "./job.js";
import { plot } from "./plot.js";
import { blank } from "./spans.js";

/** Section four.  `nights` is that part of the overview. */
export function nights(page, { finding, lines, targets, running, version, drift }) {
  const { t, say } = page.words;
  const scales = new Map(targets.map(({ name }) => [name, scale(page, lines, name)]));
  const marks = [];
  const cell = (line, { name, label }) => {
    const score = line.scores.find(({ target }) => target === name);
    const drawn = score ? dumbbell(page, line, score, label, scales.get(name)) : blank(t("not_measured"));
    if (score) marks.push(drawn);
    return h("div", { class: "nudge-cell" }, h("span", { class: "nudge-cell-head" }, label), drawn);
  };
  const list = h(
    "div",
    { class: "nudge-nights", style: `--targets: ${targets.length}` },
    targets.length > 0 &&
      h("div", { class: "nudge-night nudge-heads" }, h("span"), targets.map(({ label }) => h("span", { class: "nudge-head" }, label)), h("span")),
    lines.map((line) =>
      h("div", { class: "nudge-night" }, day(page, line), targets.map((target) => cell(line, target)), verdict(page, line)),
    ),
  );
  const key = h(
    "ul",
    { class: "nudge-legend" },
    h("li", {}, h("i", { class: "nudge-chip nudge-chip-new" }), t("tonights_model")),
    h("li", {}, h("i", { class: "nudge-chip nudge-chip-serving" }), t("serving_model")),
  );
  return plot(page, {
    name: "nights",
    question: t("question_nights"),
    finding: say(finding),
    body: [targets.length > 0 && key, list],
    marks,
    tools: [!page.example && (page.starts || running) && job(page, running)],
    notes: [version && t("serving_now", { version }), targets.length > 0 && t("note_nights"), drift],
    table: lines.length > 0 && table(page, lines, targets, finding),
  });
}

function scale(page, lines, name) {
  const scores = lines.flatMap((line) => line.scores).filter(({ target }) => target === name);
  const ends = scores.flatMap(({ auc, low, high, serving }) => [auc, low, high, serving]).filter((value) => value !== null);
  const [least, most] = extent(ends);
  const room = Math.max((most - least) * 0.1, 0.01);
  return scaleLinear([least - room, most + room], page.rtl ? [100, 0] : [0, 100]);
}

function day({ words }, line) {
  return h(
    "div",
    { class: "nudge-night-day" },
    h("time", { datetime: line.at, title: words.moment(line.at) }, words.weekday(line.at)),
    line.version && h("code", { title: line.version }, line.version.slice(0, 20)),
  );
}

function verdict({ words: { t } }, { outcome, why }) {
  const badge = h("span", { class: `nudge-badge nudge-badge-${outcome}` }, t(`night_${outcome}`));
  return h("div", { class: "nudge-night-words" }, badge, why && h("p", {}, why));
}

/** A score with its interval, where it has one. */
function scored({ words }, { auc, low, high }) {
  return low === null ? words.fine(auc) : words.interval({ estimate: auc, low, high }, "fine");
}

/** Tonight's model, with its interval, beside the one that was in use, on the scale that all nights share. */
function dumbbell(page, { at, taken }, score, label, x) {
  const { t, fine, weekday, number } = page.words;
  const place = (value) => `${x(value)}%`;
  const lines = [`${label}, ${weekday(at)}`, t("new_scored", { value: scored(page, score) })];
  if (score.serving !== null) lines.push(t("serving_scored", { value: fine(score.serving) }));
  if (score.ece !== null) lines.push(t("new_off", { value: fine(score.ece) }));
  lines.push(t("measured_on", { count: number(score.learners) }));
  const mark = s(
    "svg",
    { class: `nudge-span nudge-dumbbell${taken ? "" : " nudge-not-taken"}`, role: "img", "aria-label": lines.join(". "), height: 36 },
    s("line", { class: "nudge-rule", x1: "0%", x2: "100%", y1: 24, y2: 24 }),
    score.low !== null && s("line", { class: "nudge-range", x1: place(score.low), x2: place(score.high), y1: 24, y2: 24 }),
    score.serving !== null && s("line", { class: "nudge-was", x1: place(score.serving), x2: place(score.serving), y1: 15, y2: 33 }),
    s("circle", { class: "nudge-dot", cx: place(score.auc), cy: 24, r: 5 }),
    s("text", { class: "nudge-value", x: place(score.auc), y: 12, "text-anchor": "middle" }, fine(score.auc)),
  );
  page.tip(mark, lines);
  return mark;
}

function table(page, lines, targets, finding) {
  const { t, say, fine, weekday } = page.words;
  const write = (value) => (value === null ? t("none") : fine(value));
  return {
    caption: say(finding),
    head: [
      t("night"),
      ...targets.flatMap(({ label }) => ["new_of", "serving_of", "error_of"].map((key) => t(key, { target: label }))),
      t("answers_error"),
      t("verdict"),
      t("why"),
    ],
    rows: lines.map((line) => [
      weekday(line.at),
      ...targets.flatMap(({ name }) => {
        const score = line.scores.find(({ target }) => target === name);
        if (!score) return [t("not_measured"), t("none"), t("none")];
        return [scored(page, score), write(score.serving), t("pair", { new: write(score.ece), old: write(score.serving_ece) })];
      }),
      t("pair", { new: write(line.answers.new), old: write(line.answers.old) }),
      t(`night_${line.outcome}`),
      line.why,
    ]),
  };
}
