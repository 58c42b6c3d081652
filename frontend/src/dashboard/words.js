// Writes numbers, dates and sentences as the reader's language does.

/** Formatters for one language, and the interface's texts with their blanks filled in. */
export function words(text, language) {
  const make = (options) => new Intl.NumberFormat(language, options);
  const whole = make({ maximumFractionDigits: 0 });
  const one = make({ minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const two = make({ minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const three = make({ minimumFractionDigits: 3, maximumFractionDigits: 3 });
  const percent = make({ style: "percent", maximumFractionDigits: 0 });
  const signed = make({ signDisplay: "exceptZero", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const weekday = new Intl.DateTimeFormat(language, {
    weekday: "long",
    day: "numeric",
    month: "long",
    timeZone: "UTC",
  });
  const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const clock = new Intl.DateTimeFormat(language, { timeStyle: "medium" });
  const list = new Intl.ListFormat(language, { type: "unit", style: "long" });

  const write = {
    number: (value) => whole.format(value),
    decimal: (value) => one.format(value),
    ratio: (value) => two.format(value),
    fine: (value) => three.format(value),
    share: (value) => percent.format(value),
    signed: (value) => signed.format(value),
    points: (value) => one.format(100 * value),
    shift: (value) => signed.format(100 * value),
    date: (value) => day.format(new Date(value)),
    weekday: (value) => weekday.format(new Date(value)),
    moment: (value) => moment.format(new Date(value)),
    clock: (value) => clock.format(new Date(value)),
    text: (value) => value,
    list: (values) => list.format(values),
  };
  const insert = (template, values) =>
    template.replace(/\{(\w+)\}/g, (blank, name) => (name in values ? values[name] : blank));

  return {
    ...write,
    fill: insert,
    /** A text of the interface; values are already written. */
    t: (key, values = {}) => insert(text[key] ?? key, values),
    /** A finding from the server: a template and how each value is to be written. */
    say: ({ text: template, values }) =>
      insert(
        template,
        Object.fromEntries(Object.entries(values).map(([name, { as, value }]) => [name, write[as](value)])),
      ),
    /** "62% (54% to 70%)". */
    interval: ({ estimate, low, high }, how = "share") =>
      estimate === null
        ? insert(text.range_only, { low: write[how](low), high: write[how](high) })
        : insert(text.range, { value: write[how](estimate), low: write[how](low), high: write[how](high) }),
  };
}
