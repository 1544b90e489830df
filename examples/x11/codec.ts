import type {
  Codec,
  CodecInput,
  CodecOptions,
  Endianness,
} from "@parley/parley";

/** What a server sends: its set-up, then replies, errors and events. */
export interface ServerMessage {
  kind: "setup" | "error" | "reply" | "event";
  /** The status of the set-up, the code of an error or of an event. */
  code: number;
  /**
   * The low 16 bits of the number of the last request that the server has come
   * to; a KeymapNotify does not have it.
   */
  sequence?: number;
  /** All of the message, in our byte order. */
  bytes: Uint8Array;
}

/** A client says its byte order first, and the server keeps to it. */
export const BYTE_ORDER: Endianness =
  new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? "little" : "big";

const KEYMAP_NOTIFY = 11;
const GENERIC_EVENT = 35;
const SENT_BY_A_CLIENT = 0x80;

/** The codec of the set-up, which has a layout of its own. */
export function setup(
  options?: CodecOptions,
): Codec<ServerMessage, Uint8Array> {
  return codec(options, 8, (input) => ({
    ...{ kind: "setup", code: input.uint(0, 1) },
    size: 8 + 4 * input.uint(6, 2, BYTE_ORDER),
  }));
}

/** The codec of all that follows: units of 32 bytes, some with more behind. */
export function messages(
  options?: CodecOptions,
): Codec<ServerMessage, Uint8Array> {
  return codec(options, 32, (input) => {
    const [type, second] = [input.uint(0, 1), input.uint(1, 1)];
    const code = type & ~SENT_BY_A_CLIENT;
    const more = type === 1 || code === GENERIC_EVENT;
    return {
      kind: type === 0 ? "error" : type === 1 ? "reply" : "event",
      code: type === 0 ? second : code,
      ...(code !== KEYMAP_NOTIFY && { sequence: input.uint(2, 2, BYTE_ORDER) }),
      size: 32 + (more ? 4 * input.uint(4, 4, BYTE_ORDER) : 0),
    };
  });
}

type Header = Omit<ServerMessage, "bytes"> & { size: number };

function codec(
  { maxMessageBytes = 16 * 1024 * 1024 }: CodecOptions = {},
  headerSize: number,
  readHeader: (input: CodecInput) => Header,
): Codec<ServerMessage, Uint8Array> {
  return {
    decode(input) {
      if (input.length < headerSize) return undefined;
      const { size, ...header } = readHeader(input);
      return input.expect(size, maxMessageBytes)
        ? { ...header, bytes: input.take(size) }
        : undefined;
    },
    encode: (message, output) => output.bytes(message),
  };
}
