// Did it help, as learners say: votes and clicks by message.
import { h } from "./dom.js";
import { plot } from "./plot.js";
import { blank, rows, span } from "./spans.js";

/** Section three, first half.  `votes` is that part of the overview. */
export function votes(page, { finding, model, messages }) {
  const { t, say, number, interval } = page.words;
  const marks = [];
  const cell = (message, measure, of, tone) => {
    if (!of) return blank(t(measure === "helpful" ? "no_votes" : "not_seen"));
    const words = t(`${measure}_words`, { share: interval(message[measure]) });
    const lines = [message.heading, words, t(`${measure}_of`, { count: number(of) })];
    const mark = span(page, message[measure], { tone, label: lines.join(". "), lines });
    marks.push(mark);
    return mark;
  };
  const clicks = (message) => (message.clickable ? cell(message, "clicks", message.seen, "clicked") : blank(t("no_link")));
  const body = rows(
    page,
    ["", t("helpful_share"), t("clicks_share")],
    [
      {
        rows: messages.map((message) => [
          [
            h("span", {}, message.heading),
            message.warning && h("small", { class: "nudge-alarm" }, say(message.warning)),
            h("small", {}, [message.placement, ...(message.active ? [] : [t("no_longer_used")])].join(" · ")),
          ],
          cell(message, "helpful", message.votes, "helpful"),
          clicks(message),
        ]),
      },
    ],
  );
  return plot(page, {
    name: "votes",
    question: t("question_votes"),
    finding: say(finding),
    body: messages.length > 0 && body,
    marks,
    notes: [messages.length > 0 && say(model), messages.length > 0 && t("note_votes")],
    table: messages.length > 0 && {
      caption: say(finding),
      head: [t("message"), t("shown"), t("on_screen"), t("helpful"), t("not_helpful"), t("helpful_share"), t("clicked"), t("clicks_share")],
      rows: messages.map((message) => [
        message.heading,
        number(message.sent),
        number(message.seen),
        number(message.liked),
        number(message.votes - message.liked),
        message.votes ? interval(message.helpful) : t("no_votes"),
        number(message.clicked),
        message.seen ? interval(message.clicks) : t("not_seen"),
      ]),
    },
  });
}
