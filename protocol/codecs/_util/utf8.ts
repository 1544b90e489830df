import { DecodeError } from "../../errors.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** The text of UTF-8 bytes, or `undefined` if they are not UTF-8. */
export function tryDecodeUTF8(bytes: Uint8Array): string | undefined {
  try {
    return decodeStrictly(bytes);
  } catch {
    return undefined;
  }
}

/** The text of a message's UTF-8 bytes; a byte order mark is text, too. */
export function decodeUTF8(bytes: Uint8Array, offset: number): string {
  try {
    return decodeStrictly(bytes);
  } catch (cause) {
    throw new DecodeError("Message is not UTF-8", { offset, bytes, cause });
  }
}

/** Refuses a message that is not text, and text that UTF-8 has no bytes for. */
export function assertUnicode(message: string): void {
  if (typeof message !== "string") {
    throw new TypeError(
      `Cannot encode: message is ${typeof message}, expected a string`,
    );
  }
  if (!message.isWellFormed()) {
    throw new TypeError("Cannot encode: message has a lone surrogate");
  }
}

/**
 * The decoder that is not strict is faster. It leaves a replacement character for
 * bad bytes: only if there is one, the strict decoder tells whether it was sent.
 */
function decodeStrictly(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  return text.includes("\ufffd") ? strict.decode(bytes) : text;
}
