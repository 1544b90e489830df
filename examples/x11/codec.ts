import type { Codec, CodecOptions, Endianness } from "@parley/parley";

/** What a server sends: its set-up, then replies, errors and events. */
export interface ServerMessage {
  kind: "setup" | "error" | "reply" | "event";
  /** The status of the set-up, the code of an error or of an event. */
  code: number;
  /**
   * The low 16 bits of the number of the last request that the server has come
   * to; a KeymapNotify does not have it.
   */
  sequence?: number | undefined;
  /** All of the message, in our byte order. */
  bytes: Uint8Array;
}

/** A client says its byte order first, and the server keeps to it. */
export const BYTE_ORDER: Endianness =
  new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? "little" : "big";

const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const ERROR = 0;
const REPLY = 1;
const KEYMAP_NOTIFY = 11;
const GENERIC_EVENT = 35;
const SENT_BY_A_CLIENT = 0x80;

/** The codec of the set-up, which has a layout of its own. */
export function setup(
  { maxMessageBytes = MAX_MESSAGE_BYTES }: CodecOptions = {},
): Codec<ServerMessage, Uint8Array> {
  return {
    decode(input) {
      if (input.length < 8) return undefined;
      const code = input.uint(0, 1);
      const size = 8 + 4 * input.uint(6, 2, BYTE_ORDER);
      if (!input.expect(size, maxMessageBytes)) return undefined;
      return { kind: "setup", code, bytes: input.take(size) };
    },
    encode: (request, output) => output.bytes(request),
  };
}

/** The codec of all that follows: units of 32 bytes, some with more behind. */
export function messages(
  { maxMessageBytes = MAX_MESSAGE_BYTES }: CodecOptions = {},
): Codec<ServerMessage, Uint8Array> {
  return {
    decode(input) {
      if (input.length < 32) return undefined;
      const [type, second] = [input.uint(0, 1), input.uint(1, 1)];
      const code = type & ~SENT_BY_A_CLIENT;
      const sequence = code === KEYMAP_NOTIFY
        ? undefined
        : input.uint(2, 2, BYTE_ORDER);
      const hasMore = type === REPLY || code === GENERIC_EVENT;
      const size = 32 + (hasMore ? 4 * input.uint(4, 4, BYTE_ORDER) : 0);
      if (!input.expect(size, maxMessageBytes)) return undefined;
      const bytes = input.take(size);
      if (type === ERROR) {
        return { kind: "error", code: second, sequence, bytes };
      }
      const kind = type === REPLY ? "reply" : "event";
      return { kind, code, sequence, bytes };
    },
    encode: (request, output) => output.bytes(request),
  };
}
