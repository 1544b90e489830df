import { getLogger, type Logger } from "../protocol/_deps.ts";
import { checkNumber } from "../protocol/_util/validate.ts";
import type { WaitOptions } from "../transports/transport.ts";
import { AsyncProtocol } from "../protocol/async_protocol.ts";
import type { Codec } from "../protocol/codecs/codec.ts";
import { jsonLines } from "../protocol/codecs/json_lines.ts";
import { EventHub } from "../protocol/event_hub.ts";
import type { EventQueue } from "../protocol/event_queue.ts";
import type { ListenOptions } from "../protocol/listen_options.ts";
import { Batch } from "./_peer/batch.ts";
import { Incoming } from "./_peer/incoming.ts";
import { checkOrder, dialectOf, handlersOf } from "./_peer/options.ts";
import { callMessage, Outgoing } from "./_peer/outgoing.ts";
import { BAD_MESSAGES } from "./_peer/bad_messages.ts";
import { Receiver } from "./_peer/receiver.ts";
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
  readonly #maxBatch: number;
  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  readonly #notifications = new EventHub<JSONRPCNotification>(
    ({ method }) => method,
  );
  readonly #logger: Logger;
  /** The receiver of the current session. */
  #receiver: Receiver | undefined;

  /**
   * Makes a peer that is `idle`.
   *
   * @throws {TypeError} An option has the wrong type.
   * @throws {RangeError} A number is out of range.
   */
  constructor(options: JSONRPCPeerOptions<Local> = {}) {
    super(options);
    const { order = "parallel", timeout, maxBatch = MAX_BATCH } = options;
    checkNumber("timeout", timeout, 0, Infinity);
    checkNumber("maxBatch", maxBatch, 1, Infinity);
    checkOrder(order);
    this.#codec = options.codec ??
      ((limits) => jsonLines({ ...limits, ...BAD_MESSAGES }));
    this.#maxBatch = maxBatch;
    const dialect = dialectOf(options.cancellation ?? false);
    this.#logger = getLogger([
      "parley",
      "protocol",
      this.name ?? this.constructor.name,
    ]);
    this.#outgoing = new Outgoing({
      dialect,
      timeout,
      notify: (method, params) => this.#notifyNow(method, params),
    });
    this.#incoming = new Incoming({
      caller: this as JSONRPCCaller<unknown> as JSONRPCCaller<AnyMethods>,
      methods: handlersOf(options.methods ?? {}),
      order,
      dialect,
      logger: this.#logger,
    });
  }

  /**
   * Calls a method of the peer, and resolves with its result.
   *
   * @throws {JSONRPCError} The peer has answered with an error.
   * @throws {CallTimeoutError} There was no response in time.
   * @throws {CallInterruptedError} The session ended first; see its cause.
   * @throws {StateError} There is no session.
   * @throws {TypeError} The params have no JSON text, or are no object or array.
   * @throws The signal's reason, when it is aborted.
   */
  request<Name extends keyof Remote & string>(
    method: Name,
    ...[params, options]: CallArgs<Remote[Name], RequestOptions>
  ): Promise<ResultOf<Remote[Name]>> {
    try {
      const { message, track } = this.#outgoing.open(method, params, options);
      // A handler that calls back must not wait for a reader that waits for it.
      this.#incoming.release();
      return track(this.send(message)) as Promise<ResultOf<Remote[Name]>>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends a notification, and resolves when there is room for the next message.
   *
   * @throws {StateError} There is no session.
   * @throws {TypeError} The params have no JSON text, or are no object or array.
   */
  notify<Name extends keyof Remote & string>(
    method: Name,
    ...[params]: CallArgs<Remote[Name], never>
  ): Promise<void> {
    try {
      return this.send(callMessage(method, params));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends several calls as one message (§6). It resolves with the results of the
   * promises that `build` returns, or rejects with the first rejection. A batch
   * without calls sends nothing.
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
    const sent = Promise.withResolvers<void>();
    sent.promise.catch(() => {});
    const batch = new Batch<Remote>(this.#outgoing, sent.promise);
    try {
      const results = build(batch);
      const { messages } = batch;
      if (messages.length > this.#maxBatch) {
        throw new RangeError(
          `Cannot send the batch: it has ${messages.length} members, maxBatch is ${this.#maxBatch}`,
        );
      }
      sent.resolve(messages.length > 0 ? this.send(messages) : undefined);
      return Promise.all(results);
    } catch (error) {
      sent.reject(error);
      return Promise.reject(error);
    }
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

  /** Makes the codec and the receiver of the session. */
  protected override createCodec(): Codec<JSONRPCMessage> {
    const { maxMessageBytes = MAX_MESSAGE_BYTES } = this;
    this.#receiver = this.#newReceiver();
    return this.#codec({ maxMessageBytes }) as Codec<JSONRPCMessage>;
  }

  /** Rejects pending requests, and aborts every handler's signal. */
  protected override onSessionEnd(cause: unknown): void {
    this.#outgoing.end(cause);
    this.#incoming.end(cause);
    this.#notifications.end(cause);
  }

  /** Settles the request of a response, or runs the handler of a call. */
  protected override onMessage(
    message: JSONRPCMessage,
    bytes: number,
  ): void | Promise<void> {
    return this.#receiver?.receive(message, bytes);
  }

  #newReceiver(): Receiver {
    return new Receiver({
      incoming: this.#incoming,
      outgoing: this.#outgoing,
      notifications: this.#notifications,
      logger: this.#logger,
      maxBatch: this.#maxBatch,
      signal: this.signal,
      budget: this.budget,
      send: (message) => this.send(message),
    });
  }

  /** Sends a notification without waiting for room; never rejects. */
  #notifyNow(method: string, params: unknown): void {
    this.send(callMessage(method, params)).catch((error) => {
      this.#logger.debug("{method} was not sent: {error}", { method, error });
    });
  }
}
