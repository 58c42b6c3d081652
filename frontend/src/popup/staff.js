// The staff's tabs: what learners see, the analytics and the learners, whose scripts are fetched when they are wanted.
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
  style(args.dashboard.css);
  if (!window.NudgeDashboard) await load(args.dashboard.js);
  new window.NudgeDashboard(runtime, element, args.dashboard);
}

async function learners(runtime, element, args) {
  if (!window.NudgeCommunicator) await load(args.communicator.js);
  window.NudgeCommunicator(element.querySelector(".nudge-communicator"), args.communicator);
}

const PARTS = { analytics: dashboard, learners };

async function begin(part, runtime, element, args, panel) {
  try {
    await PARTS[part](runtime, element, args);
  } catch {
    panel.firstElementChild.textContent = args.text.analytics_failed;
    panel.firstElementChild.setAttribute("role", "alert");
  }
}

/** Makes the tabs of `element` work: arrows move between them, what a tab holds starts when it is first opened. */
export function staff(runtime, element, args) {
  const tabs = [...element.querySelectorAll("[role=tab]")];
  const panels = tabs.map((tab) => element.querySelector(`#${CSS.escape(tab.getAttribute("aria-controls"))}`));
  const started = new Set();
  const select = (chosen, focus) => {
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      panels[i].hidden = tab !== chosen;
    });
    if (focus) chosen.focus();
    const { view } = chosen.dataset;
    if (!PARTS[view] || started.has(view)) return;
    started.add(view);
    begin(view, runtime, element, args, panels[tabs.indexOf(chosen)]);
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
  // A shared link to a state of a tab opens it at once: #nudge=… is the analytics', #nudge-… the learners'.
  const linked = { "=": "analytics", "-": "learners" }[/^#nudge([=-])/.exec(location.hash)?.[1]];
  const wanted = tabs.find((tab) => tab.dataset.view === linked);
  if (wanted) select(wanted);
}
