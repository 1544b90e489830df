/** The last character that is not escaped. DEL is escaped, as in QEMU. */
const MAX_PLAIN = 0x7e;
const BACKSLASH = 0x5c;
const U = 0x75;
const HEX = new TextEncoder().encode("0123456789ABCDEF");

/** Whether JSON text needs no escape to be ASCII. */
export function isASCII(text: string): boolean {
  return !/[^\0-\x7e]/.test(text);
}

/** The bytes of JSON text in ASCII: other characters of its strings are escaped. */
export function asciiBytes(text: string): Uint8Array {
  let size = text.length;
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > MAX_PLAIN) size += 5;
  }
  const bytes = new Uint8Array(size);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit <= MAX_PLAIN) {
      bytes[length++] = unit;
      continue;
    }
    bytes[length++] = BACKSLASH;
    bytes[length++] = U;
    for (let shift = 12; shift >= 0; shift -= 4) {
      bytes[length++] = HEX[unit >> shift & 0xf] ?? 0;
    }
  }
  return bytes;
}
