/**
 * The Model Context Protocol over any connection, for the official SDK
 * (`@modelcontextprotocol/sdk`): its `Client` and `Server` take the transport that
 * {@linkcode toMcpTransport} makes, over a Unix socket, TLS or the pipes of a
 * child process.
 *
 * @example The two ends of a connection
 * ```ts
 * import { toMcpTransport } from "@parley/parley/jsonrpc/mcp";
 * import { memoryPair } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * const [near, far] = memoryPair();
 * const client = toMcpTransport(near); // for client.connect(…) of the SDK
 * const server = toMcpTransport(far); // for server.connect(…)
 *
 * const arrived = Promise.withResolvers<unknown>();
 * server.onmessage = arrived.resolve;
 * await Promise.all([client.start(), server.start()]);
 * await client.send({ jsonrpc: "2.0", id: 1, method: "ping" });
 * assertEquals(await arrived.promise, {
 *   jsonrpc: "2.0",
 *   id: 1,
 *   method: "ping",
 * });
 * await client.close();
 * await server.close();
 * ```
 *
 * @module
 */
export type * from "../transports/transport.ts";
import { getLogger } from "../protocol/_deps.ts";
import { callHook } from "../protocol/_util/call_hook.ts";
import { jsonLines } from "../protocol/codecs/json_lines.ts";
import { EndOfStreamError, ProtocolError } from "../protocol/errors.ts";
import { Peer } from "../protocol/peer.ts";
import type { Connection } from "../transports/transport.ts";
import { BAD_MESSAGES } from "./_peer/bad_messages.ts";
import { encodedSize } from "./_peer/encoded_size.ts";
import { SendTurns } from "./_peer/send_turns.ts";

const logger = getLogger(["parley", "protocol", "MCP"]);

/** The limit of an incoming message by default, in bytes. */
const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

/** Options of {@linkcode toMcpTransport}. */
export interface McpTransportOptions {
  /**
   * The largest message that is taken, in bytes.
   *
   * @default {10485760}
   */
  maxMessageBytes?: number | undefined;
}

/** The SDK's interface `Transport`, with the members that a byte stream supports. */
export interface McpTransport {
  /** Begins to read; the SDK calls it. */
  start(): Promise<void>;
  /** Sends a message, and resolves when there is room for the next. */
  send(message: object): Promise<void>;
  /** Ends the session in order. */
  close(): Promise<void>;
  /** Called once, when the session has ended, whichever side ended it. */
  onclose?: (() => void) | undefined;
  /** Called with each error. */
  onerror?: ((error: Error) => void) | undefined;
  /** Called with each message. */
  onmessage?: ((message: unknown) => void) | undefined;
}

/**
 * Makes a transport of the MCP SDK from a connection, which it owns from then
 * on. A message is a line of JSON. For another line `onerror` is called, and the
 * session goes on. If the session fails, `onerror` is called with the cause, then
 * `onclose`. What a callback throws goes to `onerror`, and what that throws to the
 * log, also if it is async.
 *
 * @throws {TypeError} `maxMessageBytes` is not a number.
 * @throws {RangeError} `maxMessageBytes` is not an integer of at least 1.
 */
export function toMcpTransport(
  connection: Connection,
  options: McpTransportOptions = {},
): McpTransport {
  const { maxMessageBytes = MAX_MESSAGE_BYTES } = options;
  return new PeerTransport(connection, maxMessageBytes);
}

/** Sends the SDK's messages; it does not wait for room. */
class McpPeer extends Peer<unknown> {
  readonly #turns = new SendTurns<unknown>({
    budget: () => this.budget,
    sizeOf: (message) => encodedSize(jsonLines(), message),
    onTurn() {},
  });

  override send(message: unknown): Promise<void> {
    return this.#turns.send(message, (message) => super.send(message));
  }

  protected override onDisconnect(): void {
    this.#turns.sendAll();
  }
}

class PeerTransport implements McpTransport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: unknown) => void) | undefined;
  readonly #connection: Connection;
  readonly #peer: Peer<unknown>;
  #closing: Promise<void> | undefined;

  constructor(connection: Connection, maxMessageBytes: number) {
    this.#connection = connection;
    this.#peer = new McpPeer({
      name: "MCP",
      codec: (limits) => jsonLines({ ...limits, ...BAD_MESSAGES }),
      maxMessageBytes,
    });
  }

  async start(): Promise<void> {
    await this.#peer.connect(this.#connection);
    this.#read();
  }

  send(message: object): Promise<void> {
    return this.#peer.send(message);
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    try {
      await this.#peer.disconnect();
      await this.#connection.close(); // No session owned it before start().
    } catch (error) {
      if (!(error instanceof EndOfStreamError)) this.#report(error);
    }
    callHook(() => this.onclose?.(), (error) => this.#report(error));
  }

  async #read(): Promise<void> {
    try {
      for await (const message of this.#peer) {
        if (message instanceof ProtocolError) this.#report(message);
        else callHook(() => this.onmessage?.(message), (e) => this.#report(e));
      }
    } catch {
      // close() disconnects, and reports the cause.
    }
    await this.close();
  }

  #report(error: unknown): void {
    callHook(
      () =>
        this.onerror?.(
          error instanceof Error ? error : new Error(String(error)),
        ),
      (thrown) => logger.error("onerror failed: {thrown}", { thrown }),
    );
  }
}
