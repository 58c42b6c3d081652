// The dashboard's words, and sentences with a number in them, in whichever form the language has for it.
import { words } from "../dashboard/words.js";

/** Numbers for which the server has written each sentence: between them they meet every form of every language. */
const SAMPLES = [0, 1, 2, 3, 11, 100];

/** text: by name a text, or a list of one text for each of SAMPLES. */
export function speak(text, language) {
  let known = language;
  try {
    Intl.getCanonicalLocales(language);
  } catch {
    known = undefined;
  }
  const plain = words(text, known);
  const rules = new Intl.PluralRules(known);
  const distance = new Intl.RelativeTimeFormat(known, { numeric: "auto" });
  const gain = new Intl.NumberFormat(known, { signDisplay: "exceptZero", maximumFractionDigits: 1 });
  const day = new Intl.DateTimeFormat(known, { day: "numeric", month: "long", timeZone: "UTC" });
  return {
    ...plain,
    /** A text with `count` in it. */
    n: (key, count, values = {}) => {
      const form = rules.select(count);
      const sample = SAMPLES.findIndex((number) => rules.select(number) === form);
      const template = text[key]?.[sample < 0 ? SAMPLES.length - 1 : sample] ?? key;
      return plain.fill(template, { count: plain.number(count), ...values });
    },
    /** Whole percent, 0 to 100. */
    percent: (value) => plain.share(value / 100),
    /** "3 days ago". */
    ago: (days) => distance.format(-days, "day"),
    /** "+12", "−0.4". */
    gain: (value) => gain.format(value),
    /** "30 June". */
    day: (value) => day.format(new Date(value)),
  };
}
