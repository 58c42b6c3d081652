// The latest moments, one by one, under pseudonyms.
import { fresh, h } from "./dom.js";

/** The list at the end.  `moments` is that part of the overview. */
export function moments(page, list) {
  const { t, say, moment } = page.words;
  const title = fresh("title");
  return h(
    "section",
    { class: "nudge-section nudge-section-moments", "aria-labelledby": title },
    h("div", { class: "nudge-bar" }, h("p", { class: "nudge-question" }, t("question_moments"))),
    h("h3", { class: "nudge-finding nudge-minor", id: title }, t("moments_title")),
    h(
      "ol",
      { class: "nudge-moments" },
      list.map((one) => {
        const why = h("summary", {}, one.why);
        page.tip(why, [say(one.figures)]);
        return h(
          "li",
          { class: one.sent ? "nudge-was-sent" : "nudge-was-held" },
          h(
            "div",
            { class: "nudge-moment-who" },
            h("span", { class: "nudge-who" }, t("learner", { name: one.learner })),
            h("time", { datetime: one.at }, moment(one.at)),
          ),
          h(
            "div",
            { class: "nudge-moment-what" },
            h("div", {}, one.message ? `${one.placement}: ${one.message}` : one.placement),
            h("details", { class: "nudge-why" }, why, h("p", {}, say(one.figures))),
          ),
          h("div", {}, h("span", { class: `nudge-badge nudge-badge-${one.answer}` }, t(`answer_${one.answer}`))),
        );
      }),
    ),
  );
}
