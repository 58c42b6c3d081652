// What is being looked at, kept in the address so that it can be shared:
// #nudge-learners&pass=0-40&seen=7-    #nudge-write&letter=12    #nudge-sent&letter=12    #nudge-cases&tier=high

export const VIEWS = ["learners", "write", "sent", "cases"];

/** The state in an address's hash, or null where it is none of ours. */
export function read(hash) {
  const [first, ...rest] = hash.replace(/^#/, "").split("&");
  const view = VIEWS.find((name) => first === `nudge-${name}`);
  if (!view) return null;
  // Cases are narrowed in their own way: what is chosen to be written to stays as it is.
  if (view === "cases") return { view, cases: rest.join("&") };
  const letter = rest.find((part) => /^letter=\d+$/.test(part));
  const query = rest.filter((part) => !part.startsWith("letter=")).join("&");
  return { view, query, letter: letter ? Number(letter.slice(7)) : null };
}

/** The hash that brings the state back. */
export function hash({ view, query, letter, cases }) {
  if (view === "cases") return ["#nudge-cases", ...(cases ? [cases] : [])].join("&");
  return [`#nudge-${view}`, ...(query ? [query] : []), ...(letter ? [`letter=${letter}`] : [])].join("&");
}

export function keep(state) {
  history.replaceState(history.state, "", hash(state));
}

/** The address to share. */
export const link = (state) => new URL(hash(state), location.href).href;
