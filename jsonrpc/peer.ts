import { getLogger } from "../protocol/_deps.ts";
import { CLOSE_TIMEOUT } from "../protocol/_session/session_limits.ts";
import { startTimer } from "../protocol/_util/start_timer.ts";
import { checkNumber } from "../protocol/_util/validate.ts";
import { AsyncProtocol } from "../protocol/async_protocol.ts";
import type { Codec } from "../protocol/codecs/codec.ts";
import { jsonLines } from "../protocol/codecs/json_lines.ts";
import { EndOfStreamError } from "../protocol/errors.ts";
import { EventHub } from "../protocol/event_hub.ts";
import type { EventQueue } from "../protocol/event_queue.ts";
import type { ListenOptions } from "../protocol/listen_options.ts";
import type { WaitOptions } from "../transports/transport.ts";
import { BAD_MESSAGES } from "./_peer/bad_messages.ts";
import { encodedSize } from "./_peer/encoded_size.ts";
import { checkOrder, dialectOf, handlersOf } from "./_peer/options.ts";
import { JSONRPCSession, type SessionSettings } from "./_peer/session.ts";
import type { JSONRPCMessage, JSONRPCNotification } from "./messages.ts";
import type {
  AnyMethods,
  CallArgs,
  JSONRPCCaller,
  RequestOptions,
  ResultOf,
} from "./methods.ts";
import type { JSONRPCPeerOptions } from "./peer_options.ts";

/** The limit of an incoming message by default, in bytes. */
const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;
/** The largest number of members of a batch by default. */
const MAX_BATCH = 1000;

/**
 * One end of a JSON-RPC 2.0 session: it calls the methods of the other end, and
 * answers calls with its own methods. `Remote` and `Local` are interfaces of
 * methods, each with its params as the only argument; they are not checked at run
 * time.
 *
 * A handler may call back. Its response is its return value, or the
 * {@linkcode JSONRPCError} that it throws; any other error is logged, and
 * answered with -32603 and no detail. A message that is not JSON is answered with
 * -32700 if the codec can go on, and a message that is not a request with -32600.
 * After 100 such messages the session ends with a `ProtocolError`.
 *
 * @example Two ends that call each other
 * ```ts
 * import { JSONRPCPeer } from "@parley/parley/jsonrpc";
 * import { memoryPair } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * interface Server {
 *   add(params: [number, number]): number;
 *   greet(params: { name: string }): string;
 * }
 *
 * const [near, far] = memoryPair();
 * await using server = new JSONRPCPeer<object, Server>({
 *   methods: {
 *     add: ([a, b]) => a + b,
 *     greet: ({ name }) => `Hello ${name}`,
 *   },
 * });
 * await using client = new JSONRPCPeer<Server, object>({ timeout: 5_000 });
 * await Promise.all([server.connect(far), client.connect(near)]);
 *
 * assertEquals(await client.request("add", [1, 2]), 3);
 * assertEquals(await client.request("greet", { name: "Ann" }), "Hello Ann");
 * await client.disconnect();
 * ```
 */
export class JSONRPCPeer<Remote = AnyMethods, Local = Remote>
  extends AsyncProtocol<JSONRPCMessage>
  implements JSONRPCCaller<Remote> {
  readonly #codec: NonNullable<JSONRPCPeerOptions<Local>["codec"]>;
  readonly #notifications = new EventHub<JSONRPCNotification>(
    ({ method }) => method,
  );
  readonly #settings: SessionSettings;
  readonly #closeTimeout: number;
  /** The current session, or the last one. */
  #session: JSONRPCSession<Remote> | undefined;

  /**
   * Makes a peer that is `idle`.
   *
   * @throws {TypeError} An option has the wrong type.
   * @throws {RangeError} A number is out of range.
   */
  constructor(options: JSONRPCPeerOptions<Local> = {}) {
    super(options);
    const { order = "parallel", timeout, maxBatch = MAX_BATCH } = options;
    const { closeTimeout = CLOSE_TIMEOUT } = options;
    checkNumber("timeout", timeout, 0, Infinity);
    checkNumber("maxBatch", maxBatch, 1, Infinity);
    checkOrder(order);
    this.#closeTimeout = closeTimeout;
    this.#codec = options.codec ??
      ((limits) => jsonLines({ ...limits, ...BAD_MESSAGES }));
    this.#settings = {
      ...{ order, timeout, maxBatch, notifications: this.#notifications },
      dialect: dialectOf(options.cancellation ?? false),
      methods: handlersOf(options.methods ?? {}),
      logger: getLogger([
        "parley",
        "protocol",
        this.name ?? this.constructor.name,
      ]),
    };
  }

  /**
   * Calls a method of the peer, and resolves with its result. The promise may be
   * left alone: its rejection is never unhandled.
   *
   * @throws {JSONRPCError} The peer has answered with an error.
   * @throws {CallTimeoutError} There was no response in time.
   * @throws {CallInterruptedError} The session ended first; see its cause.
   * @throws {StateError} There is no session.
   * @throws {TypeError} The params have no JSON text, or are not an object or
   * array.
   * @throws The signal's reason, when it is aborted.
   */
  request<Name extends keyof Remote & string>(
    method: Name,
    ...args: CallArgs<Remote[Name], RequestOptions>
  ): Promise<ResultOf<Remote[Name]>> {
    return this.#open?.request(method, ...args) ?? this.#refuse();
  }

  /**
   * Sends a notification, and resolves when there is room for the next message.
   * The promise may be left alone: its rejection is never unhandled.
   *
   * @throws {StateError} There is no session.
   * @throws {TypeError} The params have no JSON text, or are not an object or
   * array.
   */
  notify<Name extends keyof Remote & string>(
    method: Name,
    ...args: CallArgs<Remote[Name], never>
  ): Promise<void> {
    // Without a session, send() refuses it: a call would have told the cause.
    return this.#open?.notify(method, ...args) ??
      this.send({ jsonrpc: "2.0", method, params: args[0] });
  }

  /**
   * Sends several calls as one message (§6). It resolves with the results of the
   * promises that `build` returns, or rejects with the first rejection. A batch
   * without calls sends nothing. The promise may be left alone: its rejection is
   * never unhandled.
   *
   * @throws {RangeError} The batch has more members than `maxBatch`.
   *
   * @example Two requests and a notification
   * ```ts
   * import { JSONRPCPeer } from "@parley/parley/jsonrpc";
   * import { memoryPair } from "@parley/parley/transports";
   * import { assertEquals } from "@std/assert";
   *
   * const [near, far] = memoryPair();
   * await using server = new JSONRPCPeer({
   *   methods: { double: ([n]: [number]) => 2 * n, log() {} },
   * });
   * await using client = new JSONRPCPeer();
   * await Promise.all([server.connect(far), client.connect(near)]);
   *
   * const results = await client.batch((batch) => {
   *   batch.notify("log", ["two numbers follow"]);
   *   return [batch.request("double", [1]), batch.request("double", [2])];
   * });
   * assertEquals(results, [2, 4]);
   * await client.disconnect();
   * ```
   */
  batch<const Results extends readonly unknown[]>(
    build: (batch: JSONRPCCaller<Remote>) => Results,
  ): Promise<{ -readonly [Index in keyof Results]: Awaited<Results[Index]> }> {
    return this.#open?.batch(build) ?? this.#refuse();
  }

  /**
   * A queue of the notifications of these methods, or of all, from now on. A
   * notification that has a handler is queued, too. The queue is bounded, and ends
   * with the session, once its notifications have been read.
   *
   * @throws {RangeError} `limit` or `maxBytes` is not a positive integer.
   *
   * @example Waiting for a notification
   * ```ts
   * import { JSONRPCPeer } from "@parley/parley/jsonrpc";
   * import { memoryPair } from "@parley/parley/transports";
   * import { assertEquals } from "@std/assert";
   *
   * const [near, far] = memoryPair();
   * await using editor = new JSONRPCPeer();
   * await using server = new JSONRPCPeer();
   * await Promise.all([editor.connect(near), server.connect(far)]);
   *
   * using diagnostics = editor.notifications("publishDiagnostics");
   * await server.notify("publishDiagnostics", { uri: "file:///a.ts" });
   * const { params } = await diagnostics.next();
   * assertEquals(params, { uri: "file:///a.ts" });
   * await editor.disconnect();
   * ```
   */
  notifications(
    methods?: string | readonly string[],
    options?: ListenOptions<JSONRPCNotification>,
  ): EventQueue<JSONRPCNotification> {
    return this.#notifications.listen(methods, options);
  }

  /**
   * Resolves when the transport has taken all bytes that were sent.
   *
   * @throws {StateError} There is no session.
   * @throws The first cause, if the session ends first.
   */
  override flush(options?: WaitOptions): Promise<void> {
    return super.flush(options);
  }

  /** Makes the codec, and the calls of the session. */
  protected override createCodec(): Codec<JSONRPCMessage> {
    const { signal, budget, maxMessageBytes = MAX_MESSAGE_BYTES } = this;
    const codec = this.#codec({ maxMessageBytes }) as Codec<JSONRPCMessage>;
    this.#session = new JSONRPCSession(this.#settings, {
      ...{ signal, budget },
      sizeOf: (message) => encodedSize(codec, message),
      send: (message) => this.send(message),
    });
    return codec;
  }

  /** Settles the request of a response, or runs the handler of a call. */
  protected override onMessage(
    message: JSONRPCMessage,
    bytes: number,
  ): void | Promise<void> {
    return this.#session?.receive(message, bytes);
  }

  /** Gives the handlers `closeTimeout` to answer a peer that has ended its writing. */
  protected override async onEnd(): Promise<void> {
    const session = this.#session;
    const cause = new EndOfStreamError("Peer ended the stream");
    session?.endCalls(cause);
    const timer = startTimer(() => session?.end(cause), this.#closeTimeout);
    await session?.idle();
    clearTimeout(timer);
  }

  /** Sends the responses that wait for room: an orderly end loses none. */
  protected override onDisconnect(_reason: unknown): void {
    this.#session?.sendAll();
  }

  /** Lets the handlers answer before the server ends the session. */
  protected override async onShutdown(): Promise<void> {
    await this.#session?.idle();
  }

  /** Ends the queues of notifications. */
  protected override onSessionEnd(cause: unknown): void {
    this.#notifications.end(cause);
  }

  get #open(): JSONRPCSession<Remote> | undefined {
    return this.#session?.ended === false ? this.#session : undefined;
  }

  /** Rejects with a `StateError`: there is no session. */
  #refuse(): Promise<never> {
    const refused = this.flush().then(() => { // It rejects.
      throw new Error("There is a session");
    });
    refused.catch(() => {});
    return refused;
  }
}
