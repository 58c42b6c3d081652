// Talks to the block's handlers.

/** Longest wait for an answer, in milliseconds. */
const PATIENCE = 30000;

function token() {
  const found = document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/);
  return found ? decodeURIComponent(found[1]) : "";
}

/** Why the server gave no answer: "offline", "slow", "forbidden" or "broken"; `detail` is its own words. */
export class NoAnswer extends Error {
  constructor(why, detail = "") {
    super(why);
    this.why = why;
    this.detail = detail;
  }
}

/** POSTs JSON and resolves to the JSON that comes back; rejects with NoAnswer. */
export async function post(url, body) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE);
  try {
    const response = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
      body: JSON.stringify(body),
      signal: abort.signal,
    });
    if (!response.ok) throw await refusal(response);
    return await response.json();
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    if (error.name === "AbortError") throw new NoAnswer("slow");
    throw new NoAnswer(error instanceof SyntaxError ? "broken" : "offline");
  } finally {
    clearTimeout(timer);
  }
}

async function refusal(response) {
  const answer = await response.json().catch(() => ({}));
  const refused = response.status === 401 || response.status === 403;
  return new NoAnswer(refused ? "forbidden" : "broken", typeof answer.error === "string" ? answer.error : "");
}
