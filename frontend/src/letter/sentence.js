// Whom a letter reaches and when, in a sentence.
import { h } from "../dashboard/dom.js";
import { phrases } from "../learners/filters.js";
import { Unreadable, parse } from "../learners/selection.js";

/**
 * "This goes to 143 learners now, and to new matches each morning until 30 June."
 * letter: channel, wait_days, at, automatic_until; found: what the preview counted, or null before it has.
 */
export function reaches({ t, n, number, day, moment }, fields, found) {
  if (!found) return t("counting");
  const { channel, wait_days: days, at, automatic_until: until } = fields;
  const when = at ? "at" : until ? "daily" : "now";
  const values = { time: at && moment(at), day: until && day(until) };
  const first = n(`goes_${channel === "mail" ? "mail" : "nudge"}_${when}`, aimed(fields, found), values);
  return channel === "nudge_then_mail" ? `${first} ${n("then_mail", days, { days: number(days) })}` : first;
}

/** How many of the selected a letter reaches by its channel. */
export const aimed = ({ channel }, { audience }) => audience[channel === "mail" ? "mail" : "nudge"];

/** Whom a query means, as a list of limits; whatever it calls a reason or a tier is taken for one. */
export function whom(words, query) {
  let said;
  try {
    const limits = new URLSearchParams(query);
    const named = (name) => (limits.get(name) ?? "").split(",");
    said = phrases(parse(query, { reasons: named("reason"), tiers: named("tier"), risks: named("risk") }), words);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    said = [words.t("unreadable")];
  }
  return h("span", { class: "nudge-whom" }, said.map((phrase) => h("span", { class: "nudge-badge" }, phrase)));
}
