import { DecodeError } from "../../errors.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** The text of bytes, or `undefined` if they are not UTF-8. */
export function tryDecodeUTF8(
  bytes: Uint8Array,
  lenient = false,
): string | undefined {
  try {
    return decode(bytes, lenient);
  } catch {
    return undefined;
  }
}

/**
 * The text of a message's bytes. A byte order mark is text, too.
 *
 * @param offset Where the message begins in the stream.
 * @param lenient Whether bytes that are not UTF-8 become U+FFFD.
 * @throws {DecodeError} The bytes are not UTF-8.
 */
export function decodeUTF8(
  bytes: Uint8Array,
  offset: number,
  lenient = false,
): string {
  try {
    return decode(bytes, lenient);
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
 * The decoder that is not strict is faster. It leaves U+FFFD for bytes that are not
 * UTF-8: only if there is one, the strict decoder tells whether it was sent.
 */
function decode(bytes: Uint8Array, lenient: boolean): string {
  const text = decoder.decode(bytes);
  return !lenient && text.includes("\ufffd") ? strict.decode(bytes) : text;
}
