// To whom: each group's share of moments that were shown a nudge, and how helpful it found them.
import { h } from "./dom.js";
import { plot } from "./plot.js";
import { blank, rows, span } from "./spans.js";

/** Section two.  `groups` is that part of the overview. */
export function groups(page, { finding, divisions, through, overall }) {
  const { t, say, number, date, interval } = page.words;
  const marks = [];
  const shown = divisions.filter((division) => division.rows.length);
  const cell = (row, title, measure, tone) => {
    if (!row[measure]) return blank(t("too_few_votes"));
    const words = t(`${measure}_words`, { share: interval(row[measure]) });
    const label = [`${title}: ${row.label}`, t("about_learners", { count: number(row.learners) }), words];
    const reference = measure === "shown" ? overall : undefined;
    const mark = span(page, row[measure], { tone, label: label.join(". "), lines: label, reference });
    marks.push(mark);
    return mark;
  };
  const body = rows(
    page,
    [t("learners"), t("shown_share"), t("helpful_share")],
    shown.map(({ title, rows: lines, hidden }) => ({
      title,
      note: hidden && t("some_hidden"),
      rows: lines.map((row) => [
        [h("span", {}, row.label), h("small", {}, t("about", { count: number(row.learners) }))],
        cell(row, title, "shown", "shown"),
        cell(row, title, "helpful", "helpful"),
      ]),
    })),
  );
  const secret = divisions.filter((division) => !division.rows.length).map((division) => division.title);
  return plot(page, {
    name: "groups",
    question: t("question_groups"),
    finding: say(finding),
    body: shown.length > 0 && body,
    marks,
    notes: [
      shown.length > 0 && t("note_groups", { day: date(through) }),
      shown.length > 0 && secret.length > 0 && t("note_secret", { list: page.words.list(secret) }),
    ],
    table: shown.length > 0 && {
      caption: say(finding),
      head: [t("group"), t("learners"), t("shown_share"), t("helpful_share")],
      rows: shown.flatMap(({ title, rows: lines }) =>
        lines.map((row) => [
          `${title}: ${row.label}`,
          t("about", { count: number(row.learners) }),
          interval(row.shown),
          row.helpful ? interval(row.helpful) : t("too_few_votes"),
        ]),
      ),
    },
  });
}
