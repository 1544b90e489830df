/**
 * Codecs turn bytes into messages and messages into bytes, for a session or for any
 * stream. `docs/codecs.md` shows them all, and how to write one.
 *
 * @example A codec for a pair of streams
 * ```ts
 * import { decoderStream, encoderStream, lines } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const echoed = ReadableStream.from(["one", "two"])
 *   .pipeThrough(encoderStream(lines()))
 *   .pipeThrough(decoderStream(lines()));
 * assertEquals(await Array.fromAsync(echoed), ["one", "two"]);
 * ```
 *
 * @module
 */
export * from "./codec.ts";
export * from "./codec_input.ts";
export * from "./codec_output.ts";
export * from "./read_buffer.ts";
export * from "./write_buffer.ts";
export type * from "./options.ts";
export * from "./content_length.ts";
export * from "./decoder_stream.ts";
export * from "./delimited.ts";
export * from "./encoder_stream.ts";
export * from "./json.ts";
export * from "./json_lines.ts";
export * from "./json_values.ts";
export * from "./length_prefixed.ts";
export * from "./lines.ts";
export * from "./netstrings.ts";
export * from "./parse.ts";
export * from "./sequential.ts";
export * from "./stringify.ts";
export * from "./text.ts";
export * from "./web_socket_messages.ts";
export {
  DecodeError,
  type DecodeErrorOptions,
  MessageTooLargeError,
  type MessageTooLargeErrorOptions,
  ParleyError,
  ProtocolError,
  TruncatedMessageError,
} from "../errors.ts";
