// How much help a learner needs, how likely they are not to complete, and how that moved: the same on every screen.
import { h, s } from "../dashboard/dom.js";

/** Tiers, the most urgent first. */
export const TIERS = ["high", "moderate", "marginal"];

/** The tier as bars that rise, so that it is not told by colour alone. */
export function bars(tier) {
  const filled = TIERS.length - TIERS.indexOf(tier);
  return s(
    "svg",
    { class: `nudge-tier-bars nudge-tier-${tier}`, width: 18, height: 16, viewBox: "0 0 18 16", "aria-hidden": "true" },
    TIERS.map((_, i) => s("rect", { class: i < filled ? "nudge-tier-on" : "nudge-tier-off", x: i * 6 + 0.75, y: 10.25 - i * 5, width: 4.5, height: 5 + i * 5, rx: 1 })),
  );
}

export const badge = (tier, words) => h("span", { class: `nudge-tier nudge-tier-${tier}` }, bars(tier), words);

/** How a learner is called here: the first six digits of the pseudonym. */
export const called = ({ t }, name) => t("learner_name", { name: name.slice(0, 6).toUpperCase() });

/** "12 points more than a week ago"; empty where it is not known. */
export function change({ t, n }, points) {
  if (points === null || points === undefined) return "";
  if (!points) return t("case_same");
  return n(points > 0 ? "case_up" : "case_down", Math.abs(points));
}

/** The arrow that goes with it. */
export const arrow = (points) => (points ? h("span", { class: `nudge-arrow nudge-arrow-${points > 0 ? "up" : "down"}`, "aria-hidden": "true" }, points > 0 ? "▲" : "▼") : "");

/** When somebody was last seen, as a sentence, or beneath a heading that says so. */
export const seen = ({ t, ago }, days, headed = false) => {
  if (days === "never") return t("case_never_came");
  if (days === null) return "";
  return headed ? ago(days) : t("case_seen", { when: ago(days) });
};

/** Whose case it is: somebody who has left has no name. */
export const whose = ({ t }, assignee) => (assignee ? assignee.name || t("case_left") : t("case_unassigned"));

/** A share as a bar; the figure stands beside it. */
export function meter(percent, tier) {
  const fill = h("i", { class: `nudge-tier-${tier}` });
  fill.style.inlineSize = `${percent}%`;
  return h("span", { class: "nudge-meter", "aria-hidden": "true" }, fill);
}
