// Talks to the server: the block's handlers and the REST addresses.

/** Longest wait for an answer, in milliseconds. */
const PATIENCE = 30000;

function token() {
  const found = document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/);
  return found ? decodeURIComponent(found[1]) : "";
}

/**
 * Why the server gave no answer: "offline", "slow", "forbidden" or "broken"; `status` is HTTP's, where there was one,
 * `detail` its own words, `answer` all it said.
 */
export class NoAnswer extends Error {
  constructor(why, { status = 0, detail = "", answer = {} } = {}) {
    super(why);
    Object.assign(this, { why, status, detail, answer });
  }
}

/** POSTs JSON and resolves to the JSON that comes back; rejects with NoAnswer. */
export const post = (url, body) => call("POST", url, body);

/** The same by any method; `csrf` is the page's own token where it has one. */
export async function call(method, url, body, csrf = token()) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE);
  try {
    const response = await fetch(url, {
      method,
      credentials: "same-origin",
      headers: method === "GET" ? {} : { "Content-Type": "application/json", "X-CSRFToken": csrf },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: abort.signal,
    });
    if (!response.ok) throw await refusal(response);
    return response.status === 204 ? null : await response.json();
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    if (error.name === "AbortError") throw new NoAnswer("slow");
    throw new NoAnswer(error instanceof SyntaxError ? "broken" : "offline");
  } finally {
    clearTimeout(timer);
  }
}

async function refusal(response) {
  const { status } = response;
  const answer = (await response.json().catch(() => null)) ?? {};
  const said = answer.error?.message ?? answer.error;
  const detail = typeof said === "string" ? said : "";
  return new NoAnswer(status === 401 || status === 403 ? "forbidden" : "broken", { status, detail, answer });
}
