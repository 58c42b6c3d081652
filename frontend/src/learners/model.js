// The learners in a crossfilter: which are chosen, and how each figure is spread among them.
import crossfilter from "crossfilter2";
import { pseudonym } from "./payload.js";
import { PERCENTS, PLACED, chooses, mask, nobody, query } from "./selection.js";

/** Percent per bar; the last one holds 95 to 100. */
export const BIN = 5;
export const BINS = 100 / BIN;

const RANGED = [...PERCENTS, "seen"];

const bar = (value) => Math.min(Math.floor(value / BIN), BINS - 1);

export class Model {
  /** learners: what payload.js unpacked. */
  constructor(learners) {
    const { columns, n } = learners;
    this.learners = learners;
    this.selection = nobody();
    this.index = crossfilter(Array.from({ length: n }, (_, i) => i));
    this.dimensions = Object.fromEntries(
      [...RANGED, "mode", "reasons", ...Object.keys(PLACED)].map((name) => [name, this.index.dimension((i) => columns[name][i])]),
    );
    this.groups = Object.fromEntries(Object.entries(this.dimensions).map(([name, dimension]) => [name, dimension.group()]));
    this.total = this.index.groupAll();
    this.reached = this.index.groupAll().reduceSum((i) => columns.reachable[i]);
    /** Whether the risk model has found anyone: else there is nothing to choose by tier. */
    this.anyoneAtRisk = columns.tier.some((place) => place > 0);
    this.everybody = Object.fromEntries(PERCENTS.map((name) => [name, this.spread(name)]));
  }

  get size() {
    return this.learners.n;
  }

  get chosen() {
    return chooses(this.selection) ? this.total.value() : 0;
  }

  get reachable() {
    return chooses(this.selection) ? this.reached.value() : 0;
  }

  /** Sets one range, [low, high] with both ends, or null for no limit. */
  range(name, range) {
    const ranges = { ...this.selection.ranges };
    if (range) ranges[name] = range;
    else delete ranges[name];
    this.selection = { ...this.selection, ranges, everyone: false };
    this.dimensions[name].filter(range ? [range[0], range[1] + 1] : null);
  }

  /** Chooses anew. */
  choose(selection) {
    const { modes, reasons } = this.learners;
    this.selection = selection;
    for (const name of RANGED) {
      const range = selection.ranges[name];
      this.dimensions[name].filter(range ? [range[0], range[1] + 1] : null);
    }
    const set = (name, on, rule) => this.dimensions[name].filter(on ? rule : null);
    set("mode", selection.modes.length > 0, (place) => selection.modes.includes(modes[place]));
    const bits = mask(selection.reasons, reasons.map(({ key }) => key));
    for (const [name, kind] of Object.entries(PLACED)) {
      const keys = this.learners[kind].map(({ key }) => key);
      set(name, selection[kind].length > 0, (place) => selection[kind].includes(keys[place - 1]));
    }
    set("reasons", selection.reasons.length > 0, (found) => (found & bits) !== 0);
    this.name(selection.who);
  }

  /** Keeps to learners who are named, where any are; there is no dimension for that before one is wanted. */
  name(who) {
    if (!who.length && !this.dimensions.who) return;
    this.dimensions.who ??= this.index.dimension((i) => i);
    this.dimensions.who.filter(who.length ? (i) => who.includes(pseudonym(this.learners, i)) : null);
  }

  get query() {
    return query(this.selection);
  }

  /** Learners per bar of a figure, whatever its own range is; those of unknown figure in none. */
  spread(name) {
    const counts = new Array(BINS).fill(0);
    for (const { key, value } of this.groups[name].all()) if (key <= 100) counts[bar(key)] += value;
    return counts;
  }

  /** The chosen per bar of a figure. */
  inside(name) {
    const counts = new Array(BINS).fill(0);
    const [low, high] = this.selection.ranges[name] ?? [0, 100];
    if (!chooses(this.selection)) return counts;
    for (const { key, value } of this.groups[name].all()) if (key >= low && key <= high) counts[bar(key)] += value;
    return counts;
  }

  /** How many have a mode, a reason, a tier or a leading reason, whatever is chosen of its own kind. */
  having(name, place) {
    const wanted = name === "mode" ? place : place + 1;
    const has = name === "reasons" ? (key) => (key & (1 << place)) !== 0 : (key) => key === wanted;
    return this.groups[name].all().reduce((sum, { key, value }) => (has(key) ? sum + value : sum), 0);
  }

  /** The middle of a figure among all learners, or null where nobody's is known. */
  middle(name) {
    const values = this.learners.columns[name].filter((value) => value <= 100).sort();
    return values.length ? values[values.length >> 1] : null;
  }

  /** The chosen's rows, in the order of a figure. */
  rows(name, rising) {
    if (!chooses(this.selection)) return [];
    return rising ? this.dimensions[name].bottom(Infinity) : this.dimensions[name].top(Infinity);
  }
}
