const DOUBLE = 0x22;
const SINGLE = 0x27;
const BACKSLASH = 0x5c;

/**
 * Whether a text may have strings in single quotes, which QMP allows and JSON does
 * not.
 */
export function hasSingleQuotes(text: Uint8Array): boolean {
  return text.includes(SINGLE);
}

/** A JSON text with its strings in single quotes rewritten to double quotes. */
export function withDoubleQuotes(text: Uint8Array): Uint8Array {
  const out = new Uint8Array(2 * text.length);
  let length = 0;
  let quote = 0;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] ?? 0;
    if (quote === 0) {
      if (byte === DOUBLE || byte === SINGLE) quote = byte;
      out[length++] = byte === SINGLE ? DOUBLE : byte;
    } else if (byte === quote) {
      quote = 0;
      out[length++] = DOUBLE;
    } else if (byte === BACKSLASH) {
      const escaped = text[++at] ?? 0;
      if (escaped !== SINGLE) out[length++] = BACKSLASH;
      out[length++] = escaped;
    } else {
      if (byte === DOUBLE) out[length++] = BACKSLASH;
      out[length++] = byte;
    }
  }
  return out.subarray(0, length);
}
