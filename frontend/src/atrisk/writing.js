// From a case to a letter: to this learner, or to all who are at risk for the same reason.
import { h } from "../dashboard/dom.js";
import { Unreadable, parse } from "../learners/selection.js";

/** What the screens that choose learners call the reason of who has no single one. */
const SEVERAL = "several";

/** Whether a selection can be read by the screens that write. */
function readable(query, tier, risk) {
  try {
    parse(query, { reasons: [], tiers: [tier], risks: [risk] });
    return true;
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return false;
  }
}

/** The links there are, as many as lead somewhere. */
export function writing({ everywhere, page, words }, { learner, course, tier, ...found }) {
  if (everywhere && !page.args.course) return [];
  const risk = found.group || SEVERAL;
  const ways = [["case_write", `who=${learner}`], ["case_write_alike", `tier=${tier}&risk=${risk}`]];
  return ways.filter(([, query]) => readable(query, tier, risk)).map(([name, query]) => {
    const text = words.t(name);
    if (everywhere) return h("a", { class: "nudge-button", href: `${page.args.course.replace("{course}", encodeURIComponent(course))}#nudge-write&${query}` }, text);
    const go = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      page.go({ view: "write", query, letter: null });
    };
    return h("a", { class: "nudge-button", href: `#nudge-write&${query}`, onclick: go }, text);
  });
}
