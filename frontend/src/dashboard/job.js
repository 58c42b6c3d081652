// The button that runs tonight's job now, and how far it is.
import { h } from "./dom.js";

const OFTEN = 1000;

/** The button; `running` is the night under way, if there is one. */
export function job(page, running) {
  const { t } = page.words;
  const button = h("button", { type: "button", class: "nudge-button", "data-night": "", onclick: () => start() }, t("run_now"));
  const bar = h("progress", { max: 1, value: 0, "aria-label": t("running") });
  const words = h("span", { role: "status" });
  const progress = h("div", { class: "nudge-progress", hidden: true }, bar, words);
  const box = h("div", { class: "nudge-job" }, button, progress);
  let said = "";

  const show = (night) => {
    button.disabled = true;
    progress.hidden = false;
    bar.value = night.progress;
    const step = t(`step_${night.step || "queued"}`);
    // Spoken once per step, not at every percent.
    if (step !== said) words.textContent = said = step;
    bar.title = page.words.share(night.progress);
  };
  const finish = (night) => {
    page.announce(t(night.failed ? "night_over_failed" : night.promoted ? "night_over_promoted" : "night_over_refused", { version: night.model_version }));
    page.refresh();
  };
  const follow = async () => {
    while (box.isConnected || said === "") {
      try {
        const night = await page.ask("night", { status: true });
        if (!night.running) return finish(night);
        show(night);
      } catch {
        words.textContent = t("night_unheard");
        said = "";
      }
      await new Promise((resolve) => setTimeout(resolve, OFTEN));
    }
    return undefined;
  };
  const start = async () => {
    show({ progress: 0, step: "" });
    try {
      await page.ask("night", {});
      await follow();
    } catch (error) {
      button.disabled = false;
      words.textContent = t("night_not_started", { why: t(`failed_${error.why}`) });
    }
  };
  if (running) {
    show(running);
    setTimeout(follow, OFTEN);
  }
  return box;
}
