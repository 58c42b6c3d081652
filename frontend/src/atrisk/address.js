// Which cases are looked at, and how, as it stands in the address:
// #nudge-cases&tier=high,moderate&assignee=me&page=2    …&case=12    …&part=settings

export const PARTS = ["list", "worked", "fairness", "settings"];
/** Filters that take several values; the others take one. */
const MANY = ["tier", "group", "course"];
const ONE = ["owner", "assignee", "state", "who", "order"];
const USUAL = { state: "open", order: "urgency" };

/** What a query asks for; what it does not say has its usual value. */
export function read(query) {
  const parts = new URLSearchParams(query);
  const number = (name) => (/^\d{1,15}$/.test(parts.get(name) ?? "") ? Number(parts.get(name)) : null);
  return {
    ...Object.fromEntries(MANY.map((name) => [name, (parts.get(name) ?? "").split(",").filter(Boolean)])),
    ...Object.fromEntries(ONE.map((name) => [name, parts.get(name) || USUAL[name] || ""])),
    page: number("page") || 1,
    case: number("case"),
    of: parts.get("of") ?? "",
    part: PARTS.includes(parts.get("part")) ? parts.get("part") : PARTS[0],
    tables: (parts.get("tables") ?? "").split(",").filter(Boolean),
  };
}

/** A value as it may stand in an address and still be read by people. */
const written = (value) => encodeURIComponent(value).replace(/%2C/g, ",").replace(/%3A/g, ":");

const pair = (name, value) => `${name}=${written(value)}`;

const limits = (at) => [
  ...MANY.filter((name) => at[name].length).map((name) => pair(name, at[name].join(","))),
  ...ONE.filter((name) => at[name] && at[name] !== USUAL[name]).map((name) => pair(name, at[name])),
];

/** The query that brings it back, always spelt the same way. */
export function write(at) {
  return [
    ...limits(at),
    ...(at.page > 1 ? [pair("page", at.page)] : []),
    ...(at.part === PARTS[0] ? [] : [pair("part", at.part)]),
    ...(at.of ? [pair("of", at.of)] : []),
    ...(at.case ? [pair("case", at.case)] : []),
    ...(at.tables.length ? [pair("tables", [...at.tables].sort().join(","))] : []),
  ].join("&");
}

/** Whether any filter narrows the list. */
export const narrowed = (at) => MANY.some((name) => at[name].length) || ["owner", "assignee", "who"].some((name) => at[name]) || at.state !== USUAL.state;

/** The same order, with no filter. */
export const whole = (at) => ({ ...read(""), order: at.order });

/** The list that a case was opened from. */
export const home = (query) => write({ ...read(query), case: null, of: "", part: PARTS[0], tables: [] });

/** What the server is asked for; courses are named one by one. */
export function asked(at, { paged = true } = {}) {
  const courses = at.course.map((course) => pair("course", course));
  return [...limits({ ...at, course: [] }), ...courses, ...(paged && at.page > 1 ? [pair("page", at.page)] : [])].join("&");
}
