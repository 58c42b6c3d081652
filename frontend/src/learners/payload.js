// The learners of a course as the server hands them over: one typed array per figure.

const TYPES = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array };

function bytes(text) {
  const raw = atob(text);
  const found = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) found[i] = raw.charCodeAt(i);
  return found;
}

/** Unpacks the payload: `columns` become typed arrays, `pseudonyms` n × 8 bytes. */
export function unpack(payload) {
  const columns = {};
  for (const [name, { type, data }] of Object.entries(payload.columns)) {
    const raw = bytes(data);
    const kind = TYPES[type];
    columns[name] = kind === Uint8Array ? raw : numbers(raw, kind);
    if (columns[name].length !== payload.n) throw new Error(`${name}: ${columns[name].length} of ${payload.n} learners`);
  }
  return { ...payload, columns, pseudonyms: bytes(payload.pseudonyms) };
}

/** Little-endian numbers, whatever the machine's own order is. */
function numbers(raw, kind) {
  const size = kind.BYTES_PER_ELEMENT;
  const view = new DataView(raw.buffer);
  const read = size === 2 ? "getUint16" : "getUint32";
  return kind.from({ length: raw.length / size }, (_, i) => view[read](i * size, true));
}

/** The pseudonym of row `i`, 16 hexadecimal digits. */
export function pseudonym({ pseudonyms }, i) {
  let text = "";
  for (let at = 8 * i; at < 8 * i + 8; at += 1) text += pseudonyms[at].toString(16).padStart(2, "0");
  return text;
}
