// Who is chosen, as a value: the twin of selection.py.  Both are run on tests/nudge_xblock/communicator/selections.json.

/** The figures in whole percent that have a plot of their own. */
export const FIGURES = ["pass", "complete", "leave"];
export const PERCENTS = [...FIGURES, "progress"];
/** What stands in `seen` where a learner never came. */
export const NEVER = 65535;

/** The longest that is counted. */
export const MOST_DAYS = 9999;
const MOST_PARTS = 20;
const NAMED = [...PERCENTS, "seen"];
/** What takes any of several names: its name in a query, and in a selection. */
const LISTS = { mode: "modes", reason: "reasons", tier: "tiers", risk: "risks", who: "who" };
/** Those of them whose column holds one name's place among them all, from 1 on, or 0. */
export const PLACED = { tier: "tiers", risk: "risks" };
const RANGE = /^(\d{0,5})-(\d{0,5})$/;
const PSEUDONYM = /^[0-9a-f]{16}$/;
const NAMES = /^[A-Za-z0-9_-]{1,32}(,[A-Za-z0-9_-]{1,32})*$/;

/** Nobody: no limit is set, and not everyone is asked for. */
export const nobody = () => ({ ranges: {}, modes: [], reasons: [], tiers: [], risks: [], who: [], everyone: false });

/** Whether any limit is set. */
export const limited = (selection) => Object.keys(selection.ranges).length > 0 || Object.values(LISTS).some((kind) => selection[kind].length > 0);

export const chooses = (selection) => selection.everyone || limited(selection);

/** A query that cannot be read. */
export class Unreadable extends Error {}

/**
 * The selection that a query writes down, such as `pass=0-40&seen=7-&mode=audit,verified`; throws Unreadable.
 * known: the keys that there are of `reasons`, `tiers` and `risks`; any mode may be named.
 */
export function parse(query, known) {
  const pairs = [...new URLSearchParams(query.replace(/^\?/, ""))];
  const parts = new Map(pairs);
  if (parts.size < pairs.length || pairs.length > MOST_PARTS) throw new Unreadable(query);
  const take = (name, missing) => {
    const text = parts.get(name) ?? missing;
    parts.delete(name);
    return text;
  };
  const everyone = take("everyone", "0");
  const selection = { ...nobody(), everyone: everyone === "1" };
  for (const [name, kind] of Object.entries(LISTS)) selection[kind] = names(take(name));
  if (!["0", "1"].includes(everyone)) throw new Unreadable(everyone);
  for (const kind of ["reasons", "tiers", "risks"]) if (!selection[kind].every((key) => known[kind].includes(key))) throw new Unreadable(query);
  if (!selection.who.every((name) => PSEUDONYM.test(name))) throw new Unreadable(query);
  for (const name of NAMED) if (parts.has(name)) selection.ranges[name] = range(name, take(name));
  if (parts.size) throw new Unreadable(query);
  if (limited(selection)) selection.everyone = false;
  return selection;
}

function names(text) {
  if (text === undefined) return [];
  if (!NAMES.test(text)) throw new Unreadable(text);
  return [...new Set(text.split(","))].sort();
}

/** Both ends belong to it; an open end of `seen` also holds who never came. */
function range(name, text) {
  const seen = name === "seen";
  if (seen && text === "never") return [NEVER, NEVER];
  const most = seen ? MOST_DAYS : 100;
  const [, first, last] = RANGE.exec(text) ?? [];
  if (first === undefined || text === "-") throw new Unreadable(text);
  const [low, high] = [Number(first), last === "" ? most : Number(last)];
  if (low > high || high > most) throw new Unreadable(text);
  return [low, seen && last === "" ? NEVER : high];
}

/** The query of a selection, always spelt the same way. */
export function query(selection) {
  const { ranges } = selection;
  return [
    ...NAMED.filter((name) => ranges[name]).map((name) => `${name}=${written(ranges[name])}`),
    ...Object.entries(LISTS).filter(([, kind]) => selection[kind].length).map(([name, kind]) => `${name}=${selection[kind].join(",")}`),
    ...(selection.everyone ? ["everyone=1"] : []),
  ].join("&");
}

function written([low, high]) {
  if (low === NEVER) return "never";
  return high === NEVER ? `${low}-` : `${low}-${high}`;
}

/**
 * Whether the learner in row `i` is chosen.  An unknown figure (255) lies in no range.
 * columns: a typed array by name; modes, reasons, tiers, risks: keys in the order of their numbers and bits;
 * names: pseudonyms.
 */
export function matches(selection, learners, i) {
  const { columns, modes, reasons } = learners;
  if (!chooses(selection)) return false;
  const within = Object.entries(selection.ranges).every(([name, [low, high]]) => columns[name][i] >= low && columns[name][i] <= high);
  const mode = !selection.modes.length || selection.modes.includes(modes[columns.mode[i]]);
  const placed = Object.entries(PLACED).every(([name, kind]) => !selection[kind].length || selection[kind].includes(learners[kind][columns[name][i] - 1]));
  const named = !selection.who.length || selection.who.includes(learners.names[i]);
  return within && mode && placed && named && (!selection.reasons.length || (columns.reasons[i] & mask(selection.reasons, reasons)) !== 0);
}

/** The bits of the named reasons. */
export const mask = (chosen, reasons) => reasons.reduce((bits, key, place) => (chosen.includes(key) ? bits | (1 << place) : bits), 0);
