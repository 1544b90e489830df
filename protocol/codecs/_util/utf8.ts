import { DecodeError } from "../../errors.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** Text of UTF-8 bytes, a byte order mark included, or `undefined` for bad bytes. */
export function tryDecodeUTF8(bytes: Uint8Array): string | undefined {
  try {
    return decodeStrictly(bytes);
  } catch {
    return undefined;
  }
}

/** Text of the UTF-8 bytes of a message, a byte order mark included. */
export function decodeUTF8(bytes: Uint8Array, offset: number): string {
  try {
    return decodeStrictly(bytes);
  } catch (cause) {
    throw new DecodeError("Message is not UTF-8", { offset, bytes, cause });
  }
}

/** Refuses what UTF-8 has no bytes for, rather than replacing it. */
export function assertUnicode(message: string): void {
  if (typeof message !== "string") {
    throw new TypeError(
      `Cannot encode: message must be a string: ${typeof message}`,
    );
  }
  if (!message.isWellFormed()) {
    throw new TypeError("Cannot encode: message has a lone surrogate");
  }
}

/**
 * Bad bytes leave a replacement character, so that only where there is one the
 * strict decoder has to tell whether it was sent. The other takes 0.1 µs for 80
 * bytes and 3 µs for 64 KiB, the strict one 0.3 µs and 54 µs.
 */
function decodeStrictly(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  return text.includes("\ufffd") ? strict.decode(bytes) : text;
}
