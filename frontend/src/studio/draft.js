// What was written and not saved survives a closed window.
const name = (key) => `nudge-draft:${key}`;

/** {at, fields} of an earlier visit, or null. */
export function recall(key) {
  try {
    return JSON.parse(localStorage.getItem(name(key)));
  } catch {
    return null;
  }
}

export function keep(key, fields) {
  try {
    localStorage.setItem(name(key), JSON.stringify({ at: Date.now(), fields }));
  } catch {
    // Storage is off or full: the page itself still asks before it is left.
  }
}

export function drop(key) {
  try {
    localStorage.removeItem(name(key));
  } catch {
    // Nothing was kept then.
  }
}
