// Why somebody is at risk: each reason in a sentence, what it weighs, and the numbers beside those of typical learners.
import { h } from "../dashboard/dom.js";
import { badge } from "./tier.js";

export function why({ words }, { reasons, unknown, chance, sentence }) {
  const { t, list } = words;
  const most = Math.max(...reasons.map(({ points }) => points), 1);
  return h(
    "section",
    { class: "nudge-section nudge-why-section", "aria-label": t("case_question_why") },
    h("p", { class: "nudge-question" }, t("case_question_why")),
    h("h3", { class: "nudge-finding" }, reasons.length ? sentence : t("case_no_reasons")),
    h("ol", { class: "nudge-reasons" }, reasons.map((reason) => one(words, reason, chance, most, reason.sentence === sentence))),
    reasons.length > 0 && h("p", { class: "nudge-note" }, t("case_note_why")),
    unknown.length > 0 && h("p", { class: "nudge-note" }, t("case_unknown", { list: list(unknown) })),
  );
}

function one(words, { group, words: name, sentence, numbers, chance_if_typical: without, points }, chance, most, said) {
  const { t, n, percent } = words;
  const bar = h("i", {});
  bar.style.inlineSize = `${(100 * points) / most}%`;
  return h(
    "li",
    { "data-group": group },
    h("div", { class: "nudge-reason-head" }, h("h4", {}, name), h("span", { class: "nudge-reason-bar", "aria-hidden": "true" }, bar), h("span", { class: "nudge-reason-points" }, n("case_points", points))),
    !said && h("p", {}, sentence),
    h("p", { class: "nudge-small" }, t("case_if_typical", { without: percent(without), now: percent(chance) })),
    numbers.length > 0 &&
      h(
        "div",
        { class: "nudge-figures", tabindex: "0", role: "group", "aria-label": t("case_numbers", { what: name }) },
        h(
          "table",
          { class: "nudge-numbers" },
          h("caption", {}, t("case_numbers", { what: name })),
          h("thead", {}, h("tr", {}, ["case_number", "case_this_learner", "case_typical"].map((head) => h("th", { scope: "col" }, t(head))))),
          h("tbody", {}, numbers.map((number) => h("tr", {}, h("th", { scope: "row" }, number.words), h("td", {}, number.said), h("td", {}, number.said_typical || "–")))),
        ),
      ),
  );
}

/** What this learner could do next, from their own progress. */
export function steps({ words }, { next_steps: found }) {
  if (!found.length) return "";
  const { t } = words;
  return h(
    "section",
    { class: "nudge-section", "aria-label": t("case_steps") },
    h("h3", { class: "nudge-finding nudge-minor" }, t("case_steps")),
    h("ul", { class: "nudge-steps" }, found.map((step) => h("li", {}, step.url ? h("a", { href: step.url }, step.words) : step.words))),
    h("p", { class: "nudge-note" }, t("case_note_steps")),
  );
}

/** The same learner in other courses that the reader may see. */
export function others({ words }, { others: found }) {
  if (!found.length) return "";
  const { t, percent } = words;
  return h(
    "section",
    { class: "nudge-section", "aria-label": t("case_others") },
    h("h3", { class: "nudge-finding nudge-minor" }, t("case_others")),
    h("ul", { class: "nudge-others" }, found.map(({ title, chance, tier }) => h("li", {}, h("span", { class: "nudge-own" }, title), h("strong", {}, percent(chance)), tier ? badge(tier, t(`tier_${tier}`)) : h("span", { class: "nudge-small" }, t("case_no_risk"))))),
  );
}
