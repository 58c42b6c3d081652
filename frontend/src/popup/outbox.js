// Answers on their way to the server: kept until it has taken them, sent in order and each once.
import { post, uuid } from "./server.js";

const SHELF = "nudge-outbox";
const ROOM = 50;
const RETRY = 15000;

let spare = [];
let underway = false;
let timer = 0;

function read() {
  try {
    return JSON.parse(localStorage.getItem(SHELF)) || [];
  } catch {
    return spare;
  }
}

function write(letters) {
  spare = letters;
  try {
    localStorage.setItem(SHELF, JSON.stringify(letters));
  } catch {
    // Storage is off or full: the answers then live as long as the page.
  }
}

/** Queues an answer under a key of its own, by which the server knows a repeat, and sends what waits. */
export function send(url, body) {
  write([...read(), { url, body: { ...body, at: Date.now(), key: uuid() } }].slice(-ROOM));
  flush();
}

/** Resolves to whether the server has dealt with the letter; one it refuses would be refused again. */
async function deliver({ url, body }) {
  try {
    const { status } = await post(url, body, { keepalive: true });
    return status < 500 && status !== 429;
  } catch {
    return false;
  }
}

async function empty() {
  for (let [letter] = read(); letter; [letter] = read()) {
    if (!(await deliver(letter))) {
      clearTimeout(timer);
      timer = setTimeout(flush, RETRY);
      return;
    }
    write(read().filter((other) => other.body.key !== letter.body.key));
  }
}

/** Sends what waits.  Two tabs share the shelf, so only one may empty it at a time. */
export async function flush() {
  if (underway || !read().length) return;
  underway = true;
  try {
    await (navigator.locks ? navigator.locks.request(SHELF, empty) : empty());
  } finally {
    underway = false;
  }
}

/** Sends what an earlier page left behind, and again whenever the network comes back. */
export function open() {
  addEventListener("online", flush);
  flush();
}
