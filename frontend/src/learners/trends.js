// How each prediction moved in the last 30 days: fetched for the rows in sight alone, and kept.
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { s } from "../dashboard/dom.js";

const WIDTH = 72;
const HEIGHT = 24;
/** Most learners that are asked for at once. */
const MOST = 100;
/** Milliseconds that scrolling must rest before anything is asked. */
const PAUSE = 150;

export class Trends {
  /** then() is called when more is known. */
  constructor(choice, then) {
    Object.assign(this, { choice, then });
    this.known = new Map();
  }

  of(name) {
    return this.known.get(name) ?? null;
  }

  want(names) {
    clearTimeout(this.timer);
    if (names.length) this.timer = setTimeout(() => this.fetch(names.slice(0, MOST)), PAUSE);
  }

  async fetch(names) {
    const found = await this.choice.ask(`learners/trends?who=${names.join(",")}`);
    if (!found) return;
    for (const name of names) this.known.set(name, found.learners[name] ?? { pass: [], complete: [], leave: [] });
    this.then();
  }
}

/** A line of one figure over the days, its last point marked; an empty place until it is known. */
export function spark(choice, figure, trend) {
  const { t, percent } = choice.words;
  const values = trend?.[figure] ?? [];
  const known = values.map((value, day) => [day, value]).filter(([, value]) => value !== null && value <= 100);
  const box = { class: `nudge-spark nudge-tone-${figure}`, width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}` };
  if (known.length < 2) return s("svg", { ...box, "aria-hidden": "true" });
  const side = [3, WIDTH - 3];
  const x = scaleLinear([0, values.length - 1], choice.rtl ? side.reverse() : side);
  const y = scaleLinear([0, 100], [HEIGHT - 3, 3]);
  const [day, value] = known[known.length - 1];
  const drawn = line().defined(([, share]) => share !== null && share <= 100);
  return s(
    "svg",
    { ...box, role: "img", "aria-label": t("from_to", { before: percent(known[0][1]), now: percent(value) }) },
    s("line", { class: "nudge-rule", x1: 0, x2: WIDTH, y1: HEIGHT - 0.5, y2: HEIGHT - 0.5 }),
    s("path", { d: drawn.x(([at]) => x(at)).y(([, share]) => y(share))(values.map((share, at) => [at, share])) }),
    s("circle", { cx: x(day), cy: y(value), r: 2.5 }),
  );
}
