/**
 * The Agent Client Protocol over any connection, for the official SDK
 * (`@agentclientprotocol/sdk`): its connections take the stream of messages that
 * {@linkcode toAcpStream} makes.
 *
 * @example The two ends of a connection
 * ```ts
 * import { toAcpStream } from "@parley/parley/jsonrpc/acp";
 * import { memoryPair } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * const [near, far] = memoryPair();
 * const agent = toAcpStream(far);
 * const editor = toAcpStream(near);
 *
 * const writer = editor.writable.getWriter();
 * await writer.write({ jsonrpc: "2.0", method: "session/cancel" });
 * const { value } = await agent.readable.getReader().read();
 * assertEquals(value, { jsonrpc: "2.0", method: "session/cancel" });
 * near.abort();
 * ```
 *
 * @module
 */
export type * from "../transports/transport.ts";
export type * from "./messages.ts";
import { decoderStream } from "../protocol/codecs/decoder_stream.ts";
import { encoderStream } from "../protocol/codecs/encoder_stream.ts";
import { jsonLines } from "../protocol/codecs/json_lines.ts";
import type { Connection } from "../transports/transport.ts";
import type {
  JSONRPCNotification,
  JSONRPCRequest,
  JSONRPCResponse,
} from "./messages.ts";

/** The limit of an incoming message by default, in bytes. */
const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

/** A message of the Agent Client Protocol: it has no batches. */
export type AcpMessage = JSONRPCRequest | JSONRPCNotification | JSONRPCResponse;

/** Options of {@linkcode toAcpStream}. */
export interface AcpStreamOptions {
  /**
   * The largest message that is taken, in bytes.
   *
   * @default {10485760}
   */
  maxMessageBytes?: number | undefined;
}

/** A stream of the SDK. */
export interface AcpStream {
  /** The peer's messages, until the peer's EOF. */
  readonly readable: ReadableStream<AcpMessage>;
  /** The messages for the peer. Closing it half-closes the connection. */
  readonly writable: WritableStream<AcpMessage>;
}

/**
 * Makes a stream of the ACP SDK from a connection. A message is a line of JSON.
 * Backpressure goes both ways. The readable errors if a line is not JSON, and the
 * writable if a message cannot be sent. The caller still owns the connection,
 * and closes it.
 *
 * @throws {TypeError} `maxMessageBytes` is not a number.
 * @throws {RangeError} `maxMessageBytes` is not an integer of at least 1.
 */
export function toAcpStream(
  connection: Connection,
  options: AcpStreamOptions = {},
): AcpStream {
  const { maxMessageBytes = MAX_MESSAGE_BYTES } = options;
  const decoder = decoderStream(jsonLines<AcpMessage>({ maxMessageBytes }));
  const encoder = encoderStream(jsonLines<AcpMessage>());
  // A failure here also errors the writable.
  encoder.readable.pipeTo(connection.writable).catch(() => {});
  return {
    readable: connection.readable.pipeThrough(decoder),
    writable: encoder.writable,
  };
}
