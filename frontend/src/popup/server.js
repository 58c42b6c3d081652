// Talks to the block's handlers.  Nothing here throws: a page without its server is a page without a nudge.

/** Longest wait for an answer; a nudge that comes later than this comes too late. */
const PATIENCE = 3000;

/** The platform's runtimes hand over a jQuery object or an element. */
export const bare = (element) => (element && element.nodeType ? element : element[0]);

function token() {
  const found = document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/);
  return found ? decodeURIComponent(found[1]) : "";
}

/** POSTs JSON; resolves to the response, rejects where there is no network or the wait was too long. */
export function post(url, body, { patience = 0, keepalive = false } = {}) {
  const abort = new AbortController();
  const timer = patience && setTimeout(() => abort.abort(), patience);
  return fetch(url, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
    body: JSON.stringify(body),
    keepalive,
    signal: abort.signal,
  }).finally(() => clearTimeout(timer));
}

/** What the server answers, or null for any failure or slowness. */
export async function answer(url, body) {
  try {
    const response = await post(url, body, { patience: PATIENCE });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

/** A random id; `randomUUID` itself exists on secure pages alone. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
