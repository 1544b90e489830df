import { loggerOf } from "../protocol/_util/logger.ts";
import { checkNumber } from "../protocol/_util/validate.ts";
import {
  AsyncProtocol,
  type Codec,
  ProtocolError,
  TruncatedMessageError,
} from "../protocol/mod.ts";
import type { WaitOptions } from "../transports/transport.ts";
import { ClientSession } from "./_client/client_session.ts";
import { QMPEventHub } from "./_client/event_hub.ts";
import { abortable, within } from "./_client/wait.ts";
import type { Logger } from "./_deps.ts";
import {
  newlineApart,
  nothing,
  type QMPCodec,
  qmpCodec,
} from "./_wire/client_codec.ts";
import { commandName } from "./_wire/command_name.ts";
import { isTimeout, messageOf } from "./_wire/failure.ts";
import { redactReply } from "./_wire/redact.ts";
import type { ExecuteOptions, QMPClientOptions } from "./client_options.ts";
import {
  ExecInterruptedError,
  GreetingError,
  NegotiationError,
} from "./errors.ts";
import type { ListenOptions, QMPEventListener } from "./event_listener.ts";
import type { QMPCommand, QMPGreeting, QMPMessage } from "./messages.ts";
import type {
  AnySchema,
  CommandName,
  CommandResult,
  EventName,
  EventOf,
  ExecuteParameters,
  QMPSchema,
} from "./schema.ts";

/** Whether the last session has ended because the guest has shut down. */
export let hasEndedByGuest: <S extends QMPSchema>(
  client: QMPClient<S>,
) => boolean;

/** Whether the guest has shut down by itself, and has not been started again. */
export let hasShutDown: <S extends QMPSchema>(client: QMPClient<S>) => boolean;

/**
 * A client of a QMP server: QEMU, qemu-storage-daemon or a {@linkcode QMPServer}.
 *
 * Any number of commands may be executed at once; each reply goes to its command.
 * If the server offers out-of-band execution, at most seven in-band commands are
 * on the wire, so that an out-of-band command always gets through. The others
 * wait in the client, in order.
 *
 * After `quit()`, and after a `SHUTDOWN` event, the server's end is orderly:
 * `closed` fulfils, and `disconnect()` does not reject.
 *
 * A `Schema` types commands and events. A function that takes any `QMPClient` also
 * accepts a client with a schema.
 *
 * @example Commands, errors and events
 * ```ts
 * import { ExecuteError, QMPClient, QMPServer } from "@parley/parley/qmp";
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using server = new QMPServer({
 *   commands: { cont: (_, { server }) => server.emit("RESUME") },
 * });
 * const transport = memory(); // or unix({ path }), tcp({ port }), …
 * server.serve(await transport.listen());
 *
 * await using client = new QMPClient();
 * await client.connect(transport);
 * assertEquals(await client.execute("cont"), {});
 * assertEquals((await client.events.next("RESUME")).event, "RESUME");
 * await assertRejects(() => client.execute("sing"), ExecuteError);
 * ```
 */
export class QMPClient<Schema extends QMPSchema = AnySchema>
  extends AsyncProtocol<QMPMessage> {
  static {
    hasEndedByGuest = (client) => client.#endedByGuest;
    hasShutDown = (client) => client.#session.shutDown?.data?.guest === true;
  }
  /**
   * Makes a client with a schema assignable to a client without one: TypeScript
   * then compares the clients, member by member, not their schemas.
   */
  readonly #schema?: { [Part in keyof Schema]-?: unknown };
  readonly #awaitGreeting: boolean;
  readonly #negotiate: boolean;
  readonly #handshakeTimeout: number;
  readonly #logger: Logger;
  readonly #hub = new QMPEventHub();
  #events: QMPEventListener<EventOf<Schema, EventName<Schema>>>;
  #session: ClientSession;
  /** The signal of the session that `#session` belongs to. */
  #signal: AbortSignal | undefined;
  #codec: QMPCodec | undefined;
  #endedByGuest = false;

  /**
   * Makes a client that is `idle`.
   *
   * @throws {RangeError} A number is out of range.
   * @throws {TypeError} An option has the wrong type.
   */
  constructor(options: QMPClientOptions = {}) {
    // Each phase of the handshake has a deadline of its own.
    super({ ...options, handshakeTimeout: Infinity });
    const {
      awaitGreeting = true,
      negotiate = true,
      handshakeTimeout = 10_000,
    } = options;
    checkNumber("handshakeTimeout", handshakeTimeout, 0, Infinity);
    this.#awaitGreeting = awaitGreeting || negotiate;
    this.#negotiate = negotiate;
    this.#handshakeTimeout = handshakeTimeout;
    this.#logger = loggerOf(
      "parley",
      "qmp",
      options.name ?? this.constructor.name,
    );
    this.#events = this.#hub.listenTo(undefined);
    this.#session = this.#newSession();
  }

  // Public interface

  /** The greeting of the current session, or of the last session. */
  get greeting(): QMPGreeting | undefined {
    return this.#signal === this.signal ? this.#session.greeting : undefined;
  }

  /**
   * A listener to every event of the current session, or of the last session.
   * Before the first session it listens to the next one. Each session has a new
   * one.
   */
  get events(): QMPEventListener<EventOf<Schema, EventName<Schema>>> {
    return this.#events;
  }

  /**
   * Makes a listener with a queue of its own, to events of these names or to all
   * events. It receives the events from now on, also if the session has not
   * started yet, and ends with the session. Earlier, `close()` ends it, or the
   * signal, whose reason is then thrown.
   *
   * @throws {RangeError} `limit` or `maxBytes` is not a positive integer.
   */
  listen<N extends EventName<Schema> = EventName<Schema>>(
    names?: N | readonly N[],
    options?: ListenOptions<EventOf<Schema, N>>,
  ): QMPEventListener<EventOf<Schema, N>> {
    return this.#hub.listenTo(names, options);
  }

  /**
   * Executes a command, and resolves with its result.
   *
   * An abort rejects with the signal's reason. If the command waits for its turn,
   * it is removed and never sent. If it was sent, it may run, and its reply is
   * dropped. `onSent` is called if it was sent.
   *
   * @throws {ExecuteError} The server replies with an error.
   * @throws {BadReplyError} The reply is neither a result nor an error.
   * @throws {CallTimeoutError} There is no reply within `timeout`; the error says
   * whether the command was sent.
   * @throws {ExecInterruptedError} The session ended first; the error says whether
   * the command was sent.
   * @throws {CallError} 65,536 aborted commands have no reply.
   * @throws {StateError} The session is not running.
   * @throws {TypeError} The arguments have no JSON text.
   * @throws {RangeError} `timeout` is out of range.
   * @throws The signal's reason, when it is aborted.
   */
  execute<C extends CommandName<Schema>>(
    command: C,
    ...[args, options = {}]: ExecuteParameters<Schema, C, ExecuteOptions>
  ): Promise<CommandResult<Schema, C>> {
    const key = options.oob ? "exec-oob" : "execute";
    return this.#execute(
      args === undefined
        ? { [key]: command }
        : { [key]: command, arguments: args },
      options,
    ) as Promise<CommandResult<Schema, C>>;
  }

  /**
   * Executes a command that is given as a whole message. It sends a copy, with an
   * id of the client's unless the message has one. Otherwise it is like
   * `execute()`.
   *
   * @throws {TypeError} The message does not name a command, or its id is in use,
   * or is neither a string nor an integer.
   */
  executeMessage(
    message: QMPCommand,
    options: Omit<ExecuteOptions, "oob"> = {},
  ): Promise<unknown> {
    if (commandName(message) === undefined) {
      return Promise.reject(
        new TypeError("Cannot execute: message names no command"),
      );
    }
    return this.#execute(message, options);
  }

  /**
   * Makes the server quit, and resolves when it has ended the session, with or
   * without a reply. This is an orderly end; `disconnect()` then returns to idle.
   *
   * @throws {ExecuteError} The server refuses.
   * @throws {StateError} The session is not running.
   * @throws The signal's reason, when it is aborted.
   */
  async quit(options: WaitOptions = {}): Promise<void> {
    const { closed } = this;
    try {
      await this.#execute({ execute: "quit" }, options);
    } catch (error) {
      if (!(error instanceof ExecInterruptedError)) throw error;
    }
    await abortable(closed, options.signal);
  }

  // Session machinery

  #execute(
    command: QMPCommand,
    options: Omit<ExecuteOptions, "oob">,
  ): Promise<unknown> {
    try {
      this.assertRunning();
      options.signal?.throwIfAborted();
      return this.#session.execute(command, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #newSession(): ClientSession {
    return new ClientSession({
      send: (message) => this.send(message),
      hub: this.#hub,
      logger: this.#logger,
      awaitGreeting: this.#awaitGreeting,
      negotiate: this.#negotiate,
    });
  }

  /** Handles messages until a phase of the handshake is done. */
  async #complete(
    isDone: () => boolean,
    awaited: string,
    Failure: typeof GreetingError | typeof NegotiationError,
  ): Promise<void> {
    const receive = async () => {
      while (!isDone()) {
        const message = await this.receive();
        this.onMessage(message, this.#codec?.messageBytes ?? 0);
      }
    };
    try {
      await within(this.#handshakeTimeout, receive());
    } catch (cause) {
      if (cause instanceof Failure) throw cause;
      const late =
        `nothing came for ${this.#handshakeTimeout} ms; it may be busy with another client`;
      const why = isTimeout(cause) ? late : messageOf(cause);
      throw new Failure(`Cannot get ${awaited} from the server: ${why}`, {
        cause,
      });
    }
  }

  // Hooks for subclasses

  /** Starts a session: no command is pending, and nothing is agreed on. */
  protected override createCodec(): Codec<QMPMessage> {
    this.#session = this.#newSession();
    this.#signal = this.signal;
    this.#endedByGuest = false;
    if (this.#events.closed) this.#events = this.#hub.listenTo(undefined);
    return this.#codec = qmpCodec({
      maxMessageBytes: this.maxMessageBytes,
      ending: this.remoteAddress?.transport === "tls" ? newlineApart : nothing,
    });
  }

  /** Waits for the greeting and for an agreement on capabilities. */
  protected override async negotiate(): Promise<void> {
    if (this.#awaitGreeting) {
      await this.#complete(
        () => this.#session.greeting !== undefined,
        "greeting",
        GreetingError,
      );
    }
    if (this.#negotiate) {
      await this.#complete(
        () => this.#session.negotiated,
        "reply to qmp_capabilities",
        NegotiationError,
      );
    }
  }

  /** Rejects commands without a reply, and ends listeners. */
  protected override onSessionEnd(cause: unknown): void {
    this.#session.end(cause);
    this.#hub.end(cause);
  }

  /** Asks for the version. If there is no reply, `idleTimeout` ends the session. */
  protected override async keepAlive(): Promise<void> {
    await this.#execute({ execute: "query-version" }, {}).catch(() => {});
  }

  /** Routes a message to its command or its listeners. */
  protected override onMessage(message: QMPMessage, bytes: number): void {
    this.#session.handle(message, bytes);
  }

  /** Leaves out passwords and the data of secret objects. */
  protected override describe(message: QMPMessage): unknown {
    return redactReply(message, this.#session.commandOf(message));
  }

  /**
   * After `quit`, or once the guest has shut down, the server ends the session,
   * with an EOF or a reset. Bytes that are not messages are still an error.
   */
  protected override isOrderlyEnd(cause: unknown): boolean {
    const { quitting } = this.#session;
    const shutDown = this.#session.shutDown !== undefined;
    const broken = cause instanceof ProtocolError &&
      !(cause instanceof TruncatedMessageError);
    this.#endedByGuest = shutDown && !quitting && !broken;
    return (quitting || shutDown) && !broken;
  }
}
