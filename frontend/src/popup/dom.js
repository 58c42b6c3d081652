// Builds elements.  Text only ever enters as text.

/** An element with properties, attributes (names with a dash, or `role`) and children. */
export function el(name, props = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (key.includes("-") || key === "role" || key === "for") node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Attaches a shadow root styled by `css`, which then neither leaks out nor lets the host's rules in. */
export function shadow(host, css) {
  const root = host.attachShadow({ mode: "open" });
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
  } catch {
    root.append(el("style", { textContent: css }));
  }
  return root;
}

/** The address, if a click may follow it; a script in it is none. */
export function safe(url) {
  try {
    return ["http:", "https:", "mailto:"].includes(new URL(url, document.baseURI).protocol) ? url : "";
  } catch {
    return "";
  }
}
