// Notices, in the page, what a placement waits for.  What happens elsewhere the server knows by itself.

const LOOKED_AT = 2000;
const SEEN_THROUGH = 5000;
const SETTLED = 400;

/** What the page can see happen; any other trigger is asked about once, when the page opens. */
const HERE = { unit_seen: unitSeen, item_completed: completed, problem_failed: graded, problem_passed: graded };

/** The element of a block, whichever of the platform's pages this is. */
export function blockElement(key) {
  const quoted = JSON.stringify(key);
  return document.querySelector(
    ["problem-id", "usage-id", "usage", "id"].map((name) => `[data-${name}=${quoted}]`).join(),
  );
}

/** The element that holds the whole unit. */
export const unitElement = (element) => element.closest(".vert-mod, .vertical, [data-block-type=vertical]") || document.body;

/** Calls `tell` once when `element` has been on the learner's screen, at least in part, for `wait` ms. */
function whenSeen(element, wait, share, tell) {
  if (!window.IntersectionObserver) {
    setTimeout(tell, wait);
    return;
  }
  let timer = 0;
  const observer = new IntersectionObserver(
    (entries) => {
      const entry = entries[entries.length - 1];
      clearTimeout(timer);
      const enough = entry.isIntersecting && entry.intersectionRatio >= share;
      if (enough) timer = setTimeout(done, wait);
    },
    { threshold: [0, share] },
  );
  const done = () => {
    if (document.hidden) {
      timer = setTimeout(done, wait);
      return;
    }
    observer.disconnect();
    tell();
  };
  observer.observe(element);
}

function listen(type, element, callback) {
  if (window.Logger && window.Logger.listen) window.Logger.listen(type, element, callback);
}

/** failed, passed, or null where the page does not say (results may be hidden from learners). */
export function outcome(root) {
  const any = (...names) => names.some((name) => root.querySelector(name));
  if (any(".status.incorrect", ".status.partially-correct", ".choicegroup_incorrect", "span.incorrect")) return "failed";
  if (any(".status.unanswered", ".status.unsubmitted")) return null;
  return any(".status.correct", ".choicegroup_correct", "span.correct") ? "passed" : null;
}

/** Calls `tell(result, attempts)` for each graded attempt at the problem `key`. */
function watchProblem(key, tell) {
  const element = blockElement(key);
  let attempts = Number((element && element.dataset.attemptsUsed) || 0);
  let submitted = false;
  let told = 0;
  let timer = 0;
  const report = (result) => {
    if (!result || (!submitted && Date.now() - told < 1000)) return;
    submitted = false;
    told = Date.now();
    attempts += 1;
    tell(result, attempts);
  };
  listen("problem_check", null, () => (submitted = true));
  listen("problem_graded", key, (type, data) => {
    const html = Array.isArray(data) ? data[1] : "";
    const parsed = new DOMParser().parseFromString(String(html), "text/html");
    report(outcome(parsed));
  });
  if (!element) return;
  // Without a Logger, or when an answer comes in late, the marks in the page tell.
  const pressed = (event) => {
    if (event.type === "submit" || event.target.closest(".submit, .check, [type=submit]")) submitted = true;
  };
  element.addEventListener("submit", pressed, true);
  element.addEventListener("click", pressed, true);
  new MutationObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(() => submitted && report(outcome(element)), SETTLED);
  }).observe(element, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] });
}

function unitSeen(trigger, args, element, tell) {
  whenSeen(unitElement(element), LOOKED_AT, 0, () => tell({ item: "", anchor: element }));
}

/** The problems to watch; for a rule of the whole course, each one of the unit that it is shown in. */
function problems(trigger, args) {
  if (!args.wide || trigger.item) return args.problems;
  return [...document.querySelectorAll("[data-problem-id]")].map((node) => node.dataset.problemId);
}

function graded(trigger, args, element, tell) {
  const wanted = trigger.when === "problem_failed" ? "failed" : "passed";
  for (const key of problems(trigger, args)) {
    watchProblem(key, (result, attempts) => {
      if (result === wanted) tell({ item: key, attempts, anchor: blockElement(key) });
    });
  }
}

function completed(trigger, args, element, tell) {
  const once = new Set();
  const done = (key) => {
    if (once.has(key)) return;
    once.add(key);
    tell({ item: key, anchor: blockElement(key) });
  };
  for (const key of problems(trigger, args)) watchProblem(key, () => done(key));
  for (const key of args.others) {
    const node = blockElement(key);
    if (!node) continue;
    listen("stop_video", null, (type, data) => {
      if (data && data.id && (data.id === key || key.endsWith(`@${data.id}`))) done(key);
    });
    node.addEventListener("ended", () => done(key), true);
    // Reading is done when the end has been in view for a while; what plays is done when it has played.
    if (!args.played.includes(key)) whenSeen(node.lastElementChild || node, SEEN_THROUGH, 0.5, () => done(key));
  }
}

/** Whether only the server can know of the moment: it may have come in another unit, or lies in no unit at all. */
const elsewhere = ({ trigger, wide, elsewhere: away }) => !HERE[trigger.when] || (trigger.when !== "unit_seen" && (wide || away));

/** Watches for the trigger of `args` and calls `tell({when, item, attempts, elsewhere, anchor})` at each moment. */
export function watch(args, element, tell) {
  const { trigger } = args;
  const start = HERE[trigger.when];
  const at = (moment) => tell({ when: trigger.when, ...moment });
  if (start) start(trigger, args, element, at);
  // A letter's pop-up waits for no trigger: the visit is enough.
  if (args.letter) whenSeen(unitElement(element), LOOKED_AT, 0, () => tell({ when: "visit", item: "", anchor: element }));
  if (elsewhere(args)) at({ item: trigger.item || "", elsewhere: true, anchor: element });
}
