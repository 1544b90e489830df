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
import { getLogger } from "../protocol/_deps.ts";
import { printable } from "../protocol/_util/printable.ts";
import { decoderStream } from "../protocol/codecs/decoder_stream.ts";
import { encoderStream } from "../protocol/codecs/encoder_stream.ts";
import { jsonLines } from "../protocol/codecs/json_lines.ts";
import { ProtocolError } from "../protocol/errors.ts";
import type { Connection } from "../transports/transport.ts";
import { BAD_MESSAGES, badMessageResponse } from "./_peer/bad_messages.ts";
import { isRecord } from "./cancellation.ts";
import type {
  JSONRPCNotification,
  JSONRPCRequest,
  JSONRPCResponse,
} from "./messages.ts";

const logger = getLogger(["parley", "protocol", "ACP"]);

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
 * Backpressure goes both ways. A line that is not JSON, not an object or too large is
 * answered with an error and logged as a warning, and the stream goes on. The
 * readable errors if the bytes end within a line, and the writable if a message
 * cannot be sent. The caller still owns the connection, and closes it.
 *
 * @throws {TypeError} `maxMessageBytes` is not a number.
 * @throws {RangeError} `maxMessageBytes` is not an integer of at least 1.
 */
export function toAcpStream(
  connection: Connection,
  options: AcpStreamOptions = {},
): AcpStream {
  const { maxMessageBytes = MAX_MESSAGE_BYTES } = options;
  const codec = jsonLines<AcpMessage>({ maxMessageBytes, ...BAD_MESSAGES });
  const encoder = encoderStream(jsonLines<AcpMessage>());
  // A failure here also errors the writable.
  encoder.readable.pipeTo(connection.writable).catch(() => {});
  const writer = encoder.writable.getWriter();
  return {
    readable: connection.readable
      .pipeThrough(decoderStream(codec))
      .pipeThrough(answerBadMessages((message) => writer.write(message))),
    writable: new WritableStream({
      start(controller) {
        writer.closed.catch((error) => controller.error(error));
      },
      write: (message) => writer.write(message),
      close: () => writer.close(),
      abort: (reason) => writer.abort(reason),
    }),
  };
}

/** Passes messages on; for anything else, an answer is sent before reading on. */
function answerBadMessages(
  send: (message: AcpMessage) => Promise<void>,
): TransformStream<AcpMessage | ProtocolError, AcpMessage> {
  return new TransformStream({
    async transform(message, controller) {
      const isError = message instanceof ProtocolError;
      if (!isError && isRecord(message)) return controller.enqueue(message);
      const reason = isError ? message.message : "the message is not an object";
      logger.warn("Invalid message: {reason}", { reason: printable(reason) });
      await send(badMessageResponse(message)).catch((error) => {
        logger.debug("The answer was not sent: {error}", { error });
      });
    },
  });
}
