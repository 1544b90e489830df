// `toBase64()` and `fromBase64()` of `Uint8Array` are not in all browsers, nor in
// Node 20.

/** The bytes as base64. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/**
 * The bytes that base64 stands for.
 *
 * @throws {DOMException} The text is not base64.
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
