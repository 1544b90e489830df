/** The longest head of a request or response that is read. */
const MAX_HEAD_BYTES = 16 * 1024;

/** What stands before the body of an HTTP message (RFC 9112 §2.1). */
export interface HttpHead {
  /** The request line or the status line. */
  readonly start: string;
  /** The fields; lists are joined by commas. */
  readonly fields: Headers;
  /** The bytes behind the head that have been read with it. */
  readonly rest: Uint8Array;
}

/** A head that breaks the rules of HTTP. */
export class HttpHeadError extends Error {}

/**
 * Reads up to the empty line that ends a head.
 *
 * @throws {HttpHeadError} It is longer than 16 KiB, is malformed, or the stream
 * ends in it.
 */
export async function readHead(
  source: { read(into: Uint8Array): Promise<number | null> },
): Promise<HttpHead> {
  const buffer = new Uint8Array(MAX_HEAD_BYTES);
  let length = 0;
  for (;;) {
    if (length === buffer.length) {
      throw new HttpHeadError(
        `the head is longer than ${MAX_HEAD_BYTES} bytes`,
      );
    }
    const count = await source.read(buffer.subarray(length));
    if (count === null) {
      throw new HttpHeadError("the peer ended within the handshake");
    }
    const from = Math.max(0, length - 3);
    length += count;
    const end = endOfHead(buffer, from, length);
    if (end >= 0) {
      return {
        ...parse(buffer.subarray(0, end)),
        rest: buffer.slice(end, length),
      };
    }
  }
}

/** The position behind CR LF CR LF, or -1. */
function endOfHead(bytes: Uint8Array, from: number, to: number): number {
  for (let at = from; at + 4 <= to; at++) {
    if (
      bytes[at] === 13 && bytes[at + 1] === 10 && bytes[at + 2] === 13 &&
      bytes[at + 3] === 10
    ) return at + 4;
  }
  return -1;
}

function parse(head: Uint8Array): { start: string; fields: Headers } {
  const text = new TextDecoder("latin1").decode(head);
  const [start = "", ...lines] = text.slice(0, -4).split("\r\n");
  const fields = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    try {
      if (colon < 1) throw new TypeError("no name");
      fields.append(line.slice(0, colon), line.slice(colon + 1));
    } catch (cause) {
      throw new HttpHeadError("a header field is malformed", { cause });
    }
  }
  return { start, fields };
}
