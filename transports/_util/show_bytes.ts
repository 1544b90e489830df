const MAX_SHOWN = 32;

/** Bytes as text, a character each. The "latin1" of the Web is windows-1252. */
export function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/**
 * Shows bytes of a peer in a message, the first 32 of them: in quotes, with
 * escapes for all that is not printable ASCII.
 *
 * @param text The bytes as {@linkcode latin1} text.
 */
export function showBytes(text: string): string {
  return JSON.stringify(text.slice(0, MAX_SHOWN)).replace(
    /[^\x20-\x7e]/g,
    (unseen) => `\\u${unseen.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
