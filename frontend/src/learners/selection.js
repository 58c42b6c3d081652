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
const RANGE = /^(\d{0,5})-(\d{0,5})$/;
const NAMES = /^[A-Za-z0-9_-]{1,32}(,[A-Za-z0-9_-]{1,32})*$/;

/** Nobody: no limit is set, and not everyone is asked for. */
export const nobody = () => ({ ranges: {}, modes: [], reasons: [], everyone: false });

/** Whether any limit is set. */
export const limited = ({ ranges, modes, reasons }) => Object.keys(ranges).length > 0 || modes.length > 0 || reasons.length > 0;

export const chooses = (selection) => selection.everyone || limited(selection);

/** A query that cannot be read. */
export class Unreadable extends Error {}

/**
 * The selection that a query writes down, such as `pass=0-40&seen=7-&mode=audit,verified`; throws Unreadable.
 * reasons: the keys there are.
 */
export function parse(query, reasons) {
  const pairs = [...new URLSearchParams(query.replace(/^\?/, ""))];
  const parts = new Map(pairs);
  if (parts.size < pairs.length || pairs.length > MOST_PARTS) throw new Unreadable(query);
  const take = (name, missing) => {
    const text = parts.get(name) ?? missing;
    parts.delete(name);
    return text;
  };
  const everyone = take("everyone", "0");
  const selection = { ranges: {}, modes: names(take("mode")), reasons: names(take("reason")), everyone: everyone === "1" };
  if (!["0", "1"].includes(everyone)) throw new Unreadable(everyone);
  if (!selection.reasons.every((key) => reasons.includes(key))) throw new Unreadable(query);
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
export function query({ ranges, modes, reasons, everyone }) {
  return [
    ...NAMED.filter((name) => ranges[name]).map((name) => `${name}=${written(ranges[name])}`),
    ...(modes.length ? [`mode=${modes.join(",")}`] : []),
    ...(reasons.length ? [`reason=${reasons.join(",")}`] : []),
    ...(everyone ? ["everyone=1"] : []),
  ].join("&");
}

function written([low, high]) {
  if (low === NEVER) return "never";
  return high === NEVER ? `${low}-` : `${low}-${high}`;
}

/**
 * Whether the learner in row `i` is chosen.  An unknown figure (255) lies in no range.
 * columns: a typed array by name; modes, reasons: keys in the order of their numbers and bits.
 */
export function matches(selection, { columns, modes, reasons }, i) {
  if (!chooses(selection)) return false;
  const within = Object.entries(selection.ranges).every(([name, [low, high]]) => columns[name][i] >= low && columns[name][i] <= high);
  const mode = !selection.modes.length || selection.modes.includes(modes[columns.mode[i]]);
  return within && mode && (!selection.reasons.length || (columns.reasons[i] & mask(selection.reasons, reasons)) !== 0);
}

/** The bits of the named reasons. */
export const mask = (chosen, reasons) => reasons.reduce((bits, key, place) => (chosen.includes(key) ? bits | (1 << place) : bits), 0);
