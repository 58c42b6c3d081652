// From a case to a letter: to this learner, or to all who are at risk for the same reason.
import { h } from "../dashboard/dom.js";
import { Unreadable, parse } from "../learners/selection.js";

/** Whether a selection can be read by the screens that write. */
function readable(query, { tier, group }) {
  try {
    parse(query, { reasons: [], tiers: [tier], risks: [group] });
    return true;
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return false;
  }
}

export function writing({ everywhere, page, words }, found) {
  const { t } = words;
  const { learner, course, group, tier } = found;
  const ways = [["case_write", `who=${learner}`], ["case_write_alike", group && `tier=${tier}&risk=${group}`]];
  const way = ways.find(([, query]) => query && readable(query, found));
  if (!way || (everywhere && !page.args.course)) return "";
  const [text, query] = way;
  if (everywhere) return h("a", { class: "nudge-button", href: `${page.args.course.replace("{course}", encodeURIComponent(course))}#nudge-write&${query}` }, t(text));
  const go = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    page.go({ view: "write", query, letter: null });
  };
  return h("a", { class: "nudge-button", href: `#nudge-write&${query}`, onclick: go }, t(text));
}
