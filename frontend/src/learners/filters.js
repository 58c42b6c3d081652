// What learners are chosen by beside their predictions: tier and reason of risk, what stands out, last seen, mode
// of enrolment, progress.
import { fresh, h } from "../dashboard/dom.js";
import { Histogram } from "./histogram.js";
import { MOST_DAYS, NEVER } from "./selection.js";

/** Ranges of days since a learner was last seen that are offered; a link may hold any other. */
const SEEN = [
  ["seen_0_6", [0, 6]],
  ["seen_7", [7, NEVER]],
  ["seen_14", [14, NEVER]],
  ["seen_30", [30, NEVER]],
  ["seen_never", [NEVER, NEVER]],
];

/** A selection's lists, and the column of each. */
const COLUMNS = { tiers: "tier", risks: "risk", reasons: "reasons", modes: "mode" };

export class Filters {
  constructor(choice) {
    this.choice = choice;
    const { t } = choice.words;
    const { reasons, tiers, risks, modes } = choice.learners;
    this.progress = new Histogram(choice, { name: "progress", tone: "progress", tall: 56 });
    this.toggles = [
      ...Object.entries({ tiers, risks, reasons }).flatMap(([kind, all]) => all.map(({ key, words }, place) => this.toggle(kind, key, words, place))),
      ...modes.map((key, place) => this.toggle("modes", key, called(choice.words, "mode", key), place)),
    ];
    const group = (kind, name) => {
      const row = this.toggles.filter((one) => one.kind === kind).map(({ node }) => node);
      return h("div", { class: "nudge-filter", role: "group", "aria-label": t(name) }, h("p", { class: "nudge-question" }, t(name)), h("div", { class: "nudge-phrase-row" }, row));
    };
    this.risks = [group("tiers", "tier"), group("risks", "risk")];
    const id = fresh("seen");
    this.seen = h("select", { id, class: "nudge-input", onchange: () => this.chooseSeen() });
    this.options = [h("option", { value: "" }, t("seen_any")), ...SEEN.map(([key], place) => h("option", { value: String(place) }, t(key)))];
    this.other = h("option", { value: "other" });
    this.seen.append(...this.options);
    this.node = h(
      "section",
      { class: "nudge-filters", "aria-label": t("filters") },
      this.risks,
      group("reasons", "signs"),
      h("div", { class: "nudge-filter" }, h("label", { for: id, class: "nudge-question" }, t("seen")), this.seen),
      group("modes", "mode"),
      this.progress.node,
    );
  }

  toggle(kind, key, words, place) {
    const count = h("small", {});
    const click = () => {
      const { selection } = this.choice.model;
      const now = selection[kind];
      this.choice.take({ ...selection, everyone: false, [kind]: now.includes(key) ? now.filter((one) => one !== key) : [...now, key].sort() });
    };
    const node = h("button", { type: "button", class: "nudge-phrase", "aria-pressed": "false", "data-filter": key, onclick: click }, words, count);
    return { kind, key, place, count, node };
  }

  chooseSeen() {
    const { selection } = this.choice.model;
    const ranges = { ...selection.ranges };
    delete ranges.seen;
    if (SEEN[this.seen.value]) ranges.seen = SEEN[this.seen.value][1];
    this.choice.take({ ...selection, everyone: false, ranges });
  }

  paint() {
    const { model } = this.choice;
    const { number } = this.choice.words;
    for (const { kind, key, place, count, node } of this.toggles) {
      node.setAttribute("aria-pressed", String(model.selection[kind].includes(key)));
      count.textContent = number(model.having(COLUMNS[kind], place));
    }
    const told = model.anyoneAtRisk || model.selection.tiers.length > 0 || model.selection.risks.length > 0;
    for (const node of this.risks) node.hidden = !told;
    const range = model.selection.ranges.seen;
    const place = SEEN.findIndex(([, [low, high]]) => range && low === range[0] && high === range[1]);
    if (range && place < 0) {
      this.other.textContent = days(this.choice.words, range);
      this.seen.append(this.other);
    } else this.other.remove();
    this.seen.value = range ? (place < 0 ? "other" : String(place)) : "";
  }
}

/** The selection in words, one phrase for each limit. */
export function phrases({ ranges, modes, reasons, tiers, risks, who, everyone }, words) {
  const { t, percent, list } = words;
  if (everyone) return [t("everyone")];
  const share = (name, [low, high]) => `${t(name)}: ${t("range_of", { low: percent(low), high: percent(high) })}`;
  const named = (kind, keys) => (keys.length ? [list(keys.map((key) => called(words, kind, key)))] : []);
  return [
    ...Object.entries(ranges).map(([name, range]) => (name === "seen" ? days(words, range) : share(name, range))),
    ...named("tier", tiers).map((names) => `${t("tier")}: ${names}`),
    ...named("risk", risks),
    ...named("reason", reasons),
    ...named("mode", modes),
    ...who.map((name) => t("learner_name", { name: name.slice(0, 6).toUpperCase() })),
  ];
}

/** Days since somebody was last seen. */
function days({ t, number }, [low, high]) {
  const ready = SEEN.find(([, range]) => range[0] === low && range[1] === high);
  if (ready) return t(ready[0]);
  if (high === NEVER) return t("seen_from", { low: number(low) });
  return high === MOST_DAYS ? t("seen_before", { low: number(low) }) : t("seen_range", { low: number(low), high: number(high) });
}

/** The name of a mode, a tier or a reason; one that we have no words for is called as the platform calls it. */
function called({ t }, kind, key) {
  const name = `${kind}_${key}`;
  return t(name) === name ? key : t(name);
}
