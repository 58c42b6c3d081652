// What is being looked at, kept in the address so that it can be shared: #nudge=days:30,tables:shown+votes

const KEY = "nudge";
const PERIODS = [7, 30, 90];

/** The state in an address's hash; what is unknown or absent has its default. */
export function read(hash) {
  const state = { days: 30, tables: new Set(), experiment: null };
  const text = new URLSearchParams(hash.replace(/^#/, "")).get(KEY) ?? "";
  for (const part of text.split(",")) {
    const [name, value = ""] = part.split(":");
    if (name === "days" && PERIODS.includes(Number(value))) state.days = Number(value);
    if (name === "experiment") state.experiment = question(value);
    if (name === "tables") value.split(" ").join("+").split("+").filter(Boolean).forEach((one) => state.tables.add(one));
  }
  return state;
}

/** "12.none.items": the nudge, what it is compared with, and by which measure. */
function question(value) {
  const [nudge, against, measure = ""] = value.split(".");
  return Number.isInteger(Number(nudge)) && against ? { nudge: Number(nudge), against, measure } : null;
}

/** The hash that brings the state back. */
export function hash({ days, tables, experiment }) {
  const parts = [`days:${days}`];
  if (tables.size) parts.push(`tables:${[...tables].sort().join("+")}`);
  if (experiment) parts.push(`experiment:${experiment.nudge}.${experiment.against}.${experiment.measure}`);
  return `#${KEY}=${parts.join(",")}`;
}

/** Puts the state into the address without a new entry in the history. */
export function keep(state) {
  history.replaceState(history.state, "", hash(state));
}

/** The address to share. */
export function link(state) {
  return new URL(hash(state), location.href).href;
}

export { PERIODS };
