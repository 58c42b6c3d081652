// The rule as a sentence with blanks: the translated sentence is cut at its braces and a control put into each.
import { el } from "../popup/dom.js";
import { choice, number } from "./fields.js";

const FITS = {
  problem_failed: (item) => item.way === "graded",
  problem_passed: (item) => item.way === "graded",
  score_below: (item) => item.way === "graded",
  item_completed: () => true,
};
/** Moments that the server finds by itself, so that any page of the course could show the message. */
const ANYWHERE = ["score_below", "return_after_absence", "inactivity", "deadline_near"];
const ANY = "any";
const COURSE = "course";

/** Fills the blanks of `template` from `controls`; a blank that nothing fills is left out. */
function fill(template, controls) {
  return template.split(/(\{\w+\})/).map((part) => {
    const blank = part.match(/^\{(\w+)\}$/);
    return blank ? (controls[blank[1]] ? controls[blank[1]]() : "") : part;
  });
}

function items({ fields, items, text }, change) {
  const fitting = items.filter(FITS[fields.when] || (() => false));
  const any = text.any_item[fields.when];
  const options = [[ANY, any.unit], ...fitting.map((item) => [item.key, item.label])];
  if (any.course !== any.unit) options.push([COURSE, any.course]);
  const known = !fields.item || fitting.some((item) => item.key === fields.item);
  if (!known) options.push([fields.item, text.gone]);
  const wide = fields.course_wide && any.course !== any.unit;
  return choice(wide ? COURSE : fields.item || ANY, options, change, { className: "blank", label: text.rule_item });
}

/** The sentence of `form`'s rule; `changed(again)` hears each change, `again` when the sentence itself is another. */
export function sentence(form, changed) {
  const { fields, text } = form;
  const set = (name, value, again = false) => {
    fields[name] = value;
    changed(again);
  };
  const blank = (name, limits, label, scale = 1) => () => {
    const shown = fields[name] === null ? "" : Number((fields[name] * scale).toFixed(2));
    const control = number(shown, (value) => set(name, value === null ? null : value / scale), { ...limits, label });
    control.dataset.path = `trigger.${name}`;
    return control;
  };
  const when = () => {
    const pick = (value) => {
      fields.item = "";
      fields.course_wide = ANYWHERE.includes(value) && fields.course_wide;
      set("when", value, true);
    };
    const control = choice(fields.when, Object.entries(text.whens), pick, { className: "blank", label: text.rule_when });
    control.dataset.path = "trigger.when";
    return control;
  };
  const item = () => {
    const control = items(form, (value) => {
      if (!ANYWHERE.includes(fields.when)) fields.course_wide = value === COURSE;
      set("item", value === ANY || value === COURSE ? "" : value);
    });
    control.dataset.path = "trigger.item";
    return control;
  };
  const place = () =>
    choice(
      fields.course_wide ? COURSE : ANY,
      [[ANY, text.place_unit], [COURSE, text.place_course]],
      (value) => set("course_wide", value === COURSE),
      { className: "blank", label: text.place },
    );
  const controls = {
    when,
    item,
    place,
    attempts: blank("attempts", { min: 1, max: 100, step: 1 }, text.rule_attempts),
    threshold: blank("threshold", { min: 1, max: 100, step: 5 }, text.rule_threshold, 100),
    days: blank("days", { min: 0.5, max: 365, step: 0.5 }, text.rule_days),
    hours: blank("hours", { min: 1, max: 720, step: 1 }, text.rule_hours),
  };
  const template = `${text.sentences[fields.when] || "{when}"}${ANYWHERE.includes(fields.when) ? text.show : text.show_here}`;
  return el("div", { className: "sentence" }, ...fill(template, controls));
}
