// The staff's two tabs: what learners see, and the analytics, whose script is fetched when it is wanted.
import { preview } from "./preview.js";

function load(url) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
}

function style(url) {
  if (document.querySelector(`link[href=${JSON.stringify(url)}]`)) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = url;
  document.head.append(link);
}

async function dashboard(runtime, element, args) {
  const mount = element.querySelector(".nudge-dashboard");
  try {
    style(args.dashboard.css);
    if (!window.NudgeDashboard) await load(args.dashboard.js);
    new window.NudgeDashboard(runtime, element, args.dashboard);
  } catch {
    mount.textContent = args.text.analytics_failed;
    mount.setAttribute("role", "alert");
  }
}

/** Makes the tabs of `element` work: arrows move between them, the analytics start when first opened. */
export function staff(runtime, element, args) {
  const tabs = [...element.querySelectorAll("[role=tab]")];
  const panels = tabs.map((tab) => element.querySelector(`#${CSS.escape(tab.getAttribute("aria-controls"))}`));
  let started = false;
  const select = (chosen, focus) => {
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      panels[i].hidden = tab !== chosen;
    });
    if (focus) chosen.focus();
    if (chosen.dataset.view === "analytics" && !started) {
      started = true;
      dashboard(runtime, element, args);
    }
  };
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", (event) => {
      const rtl = getComputedStyle(tab).direction === "rtl";
      const step = { ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1 }[event.key];
      const next = { Home: 0, End: tabs.length - 1 }[event.key] ?? (step && (i + step + tabs.length) % tabs.length);
      if (next === undefined) return;
      event.preventDefault();
      select(tabs[next], true);
    });
  });
  preview(element, args);
  // A shared link to a state of the analytics opens them at once.
  if (location.hash.startsWith("#nudge")) select(tabs.find((tab) => tab.dataset.view === "analytics"));
}
