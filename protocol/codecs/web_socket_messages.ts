import type { Codec } from "./codec.ts";
import type { CodecOptions } from "./options.ts";
import type { CodecInput } from "./codec_input.ts";
import type { CodecOutput } from "./codec_output.ts";
import { messageLimit } from "./_util/options.ts";
import { assertUnicode, decodeUTF8 } from "./_util/utf8.ts";
import { BINARY, MessageScanner, TEXT } from "./_web_socket/message_scanner.ts";

/** Options of {@linkcode webSocketMessages} and {@linkcode webSocketText}. */
export type WebSocketMessagesOptions = CodecOptions;

/**
 * The messages of a WebSocket, for the transport `webSocket()` with `messages`: a
 * text is a string, and a binary message is bytes, both ways. Bytes are a copy:
 * they stay as they are.
 *
 * Decoding raises {@linkcode MessageTooLargeError} as soon as a frame's header
 * says so, and {@linkcode DecodeError} for a text that is not UTF-8. Encoding
 * raises a `TypeError` for a message that is neither, or a lone surrogate.
 *
 * @throws {TypeError} An option has the wrong type.
 * @throws {RangeError} `maxMessageBytes` is not an integer of at least 1.
 *
 * @example A text and some bytes
 * ```ts
 * import { decoderStream, encoderStream, webSocketMessages } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const messages = ["hello", Uint8Array.of(1, 2, 3)];
 * const decoded = ReadableStream.from(messages)
 *   .pipeThrough(encoderStream(webSocketMessages()))
 *   .pipeThrough(decoderStream(webSocketMessages()));
 * assertEquals(await Array.fromAsync(decoded), messages);
 * ```
 */
export function webSocketMessages(
  options: WebSocketMessagesOptions = {},
): Codec<string | Uint8Array> {
  const scanner = new MessageScanner(messageLimit(options));
  return {
    decode(input) {
      const { offset } = input;
      const message = take(scanner, input);
      if (message === undefined) return undefined;
      const { opcode, bytes } = message;
      return opcode === TEXT ? decodeUTF8(bytes, offset) : bytes;
    },
    encode(message, output) {
      if (typeof message === "string") {
        assertUnicode(message);
        append(output, TEXT, new TextEncoder().encode(message));
      } else if (message instanceof Uint8Array) {
        append(output, BINARY, message);
      } else {
        throw new TypeError(
          `Cannot encode: message is ${typeof message}, expected a string or a Uint8Array`,
        );
      }
    },
  };
}

/**
 * The messages of a WebSocket as frames of bytes, which go out as texts: for
 * `json()` and `text()`, as the Chrome DevTools Protocol needs it.
 *
 * @throws {TypeError} An option has the wrong type.
 * @throws {RangeError} `maxMessageBytes` is not an integer of at least 1.
 *
 * @example JSON in each message
 * ```ts
 * import { decoderStream, encoderStream, json, webSocketText } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const decoded = ReadableStream.from([{ id: 1 }])
 *   .pipeThrough(encoderStream(json(webSocketText())))
 *   .pipeThrough(decoderStream(json(webSocketText())));
 * assertEquals(await Array.fromAsync(decoded), [{ id: 1 }]);
 * ```
 */
export function webSocketText(
  options: WebSocketMessagesOptions = {},
): Codec<Uint8Array> {
  const scanner = new MessageScanner(messageLimit(options));
  return {
    decode: (input) => take(scanner, input)?.bytes,
    encode: (message, output) => append(output, TEXT, message),
  };
}

/** Takes the message at the front, its parts joined. */
function take(
  scanner: MessageScanner,
  input: CodecInput,
): { opcode: number; bytes: Uint8Array } | undefined {
  const message = scanner.scan(input);
  if (message === undefined) return undefined;
  const { opcode, parts, length, size } = message;
  const [only, ...more] = parts;
  if (only && more.length === 0) {
    return { opcode, bytes: input.take(size, ...only) };
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const [start, end] of parts) {
    bytes.set(input.subarray(start, end), at);
    at += end - start;
  }
  input.consume(size);
  return { opcode, bytes };
}

function append(
  output: CodecOutput,
  opcode: number,
  payload: Uint8Array,
): void {
  const { length } = payload;
  output.byte(0x80 | opcode);
  if (length < 126) {
    output.byte(length);
  } else {
    const bytes = length < 0x10000 ? 2 : 8;
    output.byte(bytes === 2 ? 126 : 127);
    output.uint(length, bytes);
  }
  output.bytes(payload);
}
