import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
} from "../protocol/mod.ts";
import { checkNumber } from "../protocol/_util/validate.ts";
import type { WaitOptions } from "../transports/transport.ts";
import {
  newlineApart,
  nothing,
  type QMPCodec,
  qmpCodec,
} from "./_wire/client_codec.ts";
import { getLogger, type Logger } from "./_deps.ts";
import { ClientSession } from "./_client/client_session.ts";
import { EventHub } from "./_client/event_hub.ts";
import { nameOf } from "./_client/command_execution.ts";
import { isTimeout, messageOf } from "./_wire/failure.ts";
import { redactReply } from "./_wire/redact.ts";
import { abortable, within } from "./_client/wait.ts";
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

/** Options of a client. */
export interface QMPClientOptions extends AsyncProtocolOptions {
  /**
   * The most bytes that an incoming message may take.
   *
   * @default {10485760}
   */
  maxMessageBytes?: number;
  /**
   * Whether a session begins with the server's greeting.
   *
   * @default {true}
   */
  awaitGreeting?: boolean;
  /**
   * Whether capabilities are negotiated after the greeting, which is then waited
   * for in any case: all that the client knows of and the server offers are
   * enabled. Without it, the server is left in negotiation mode.
   *
   * @default {true}
   */
  negotiate?: boolean;
  /**
   * For how long the server may be silent in each phase of the handshake, which
   * are the greeting and the negotiation, in milliseconds.
   *
   * @default {10000}
   */
  handshakeTimeout?: number;
}

/** Options of a command's execution. */
export interface ExecuteOptions extends WaitOptions {
  /**
   * Whether the command is executed out of band: at once, past the commands that
   * wait. The server must offer that, and allow it for the command.
   *
   * @default {false}
   */
  oob?: boolean;
  /**
   * Called when the command has been handed to the transport. One that is
   * aborted before was never sent; one that is aborted later may run.
   *
   * @default {undefined}
   */
  onSent?: () => void;
}

/**
 * A client of a QMP server: QEMU, qemu-storage-daemon or a {@linkcode QMPServer}.
 *
 * Commands may be executed at any time, any number of them at once; each gets
 * the reply to itself. Where the server offers out-of-band execution, fewer than
 * eight other commands are on the wire at once, so that one out of band always
 * gets through; the others are queued here, in order.
 *
 * With a `Schema`, commands and events are typed.
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
 * const transport = memory(); // of a QEMU: unix({ path }), tcp({ port }), …
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
  readonly #awaitGreeting: boolean;
  readonly #negotiate: boolean;
  readonly #handshakeTimeout: number;
  readonly #logger: Logger;
  readonly #hub = new EventHub();
  #events: QMPEventListener<EventOf<Schema, EventName<Schema>>>;
  #dialog: ClientSession;
  #codec: QMPCodec | undefined;
  /** The signal of the session that the dialog is about. */
  #session: AbortSignal | undefined;
  #established = false;

  /**
   * Makes a client that is `idle`.
   *
   * @throws {RangeError} A number is negative or no number.
   */
  constructor(options: QMPClientOptions = {}) {
    super(options);
    const {
      awaitGreeting = true,
      negotiate = true,
      handshakeTimeout = 10_000,
    } = options;
    checkNumber("handshakeTimeout", handshakeTimeout, 0, Infinity);
    this.#awaitGreeting = awaitGreeting || negotiate;
    this.#negotiate = negotiate;
    this.#handshakeTimeout = handshakeTimeout;
    this.#logger = getLogger([
      "parley",
      "qmp",
      options.name ?? this.constructor.name,
    ]);
    this.#events = this.#hub.listen(undefined);
    this.#dialog = this.#newDialog();
  }

  // Public interface

  /** The greeting of the current session, or of the last one. */
  get greeting(): QMPGreeting | undefined {
    return this.#session === this.signal ? this.#dialog.greeting : undefined;
  }

  /**
   * Hears every event of the current session, or of the last one; before a
   * session, those of the next. It is begun anew with each session.
   */
  get events(): QMPEventListener<EventOf<Schema, EventName<Schema>>> {
    return this.#events;
  }

  /**
   * Makes a listener with a queue of its own, for events of these names or for
   * all. It hears events from now on, also where there is no session yet, and
   * ends with the session; before that, `close()` ends it, or the signal, whose
   * reason is then thrown.
   *
   * @throws {RangeError} `limit` is no positive integer.
   */
  listen<N extends EventName<Schema> = EventName<Schema>>(
    names?: N | readonly N[],
    options?: ListenOptions<EventOf<Schema, N>>,
  ): QMPEventListener<EventOf<Schema, N>> {
    return this.#hub.listen(names, options);
  }

  /**
   * Executes a command, and resolves with what it returns.
   *
   * An abort rejects with the signal's reason: a command that waits for its turn
   * is taken back and never sent; what the server does with one that was sent is
   * not known, and its reply is dropped. `onSent` tells which it was.
   *
   * @throws {ExecuteError} The server answers with an error.
   * @throws {BadReplyError} The reply is neither a result nor an error.
   * @throws {ExecInterruptedError} The session ended first; it says whether the
   * command was sent.
   * @throws {StateError} The session is not running.
   * @throws {TypeError} The arguments have no JSON text.
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
   * Executes a command that is given as a whole message: a copy is sent, with an
   * id of ours unless it has one. Otherwise it is like `execute()`.
   *
   * @throws {TypeError} It names no command, or its id is in use, or neither a
   * string nor an integer.
   */
  executeMessage(
    message: QMPCommand,
    options: Omit<ExecuteOptions, "oob"> = {},
  ): Promise<unknown> {
    if (typeof nameOf(message) !== "string") {
      return Promise.reject(
        new TypeError("Cannot execute: message names no command"),
      );
    }
    return this.#execute(message, options);
  }

  /**
   * Has the server quit, and resolves when it has ended the session, which is
   * then an orderly end; `disconnect()` leads back to idle as always. It resolves
   * also where the end comes without a reply.
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
      return this.#dialog.execute(command, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #newDialog(): ClientSession {
    return new ClientSession({
      send: (message) => this.send(message),
      hub: this.#hub,
      logger: this.#logger,
      awaitGreeting: this.#awaitGreeting,
      negotiate: this.#negotiate,
    });
  }

  /** Handles messages until something has come to be. */
  async #phase(
    reached: () => boolean,
    awaited: string,
    Failure: typeof GreetingError | typeof NegotiationError,
  ): Promise<void> {
    const receive = async () => {
      while (!reached()) {
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

  /** Begins a session afresh: nothing is pending, nothing agreed. */
  protected override createCodec(): Codec<QMPMessage> {
    const { signal } = this;
    const dialog = this.#dialog = this.#newDialog();
    this.#session = signal;
    this.#established = false;
    if (this.#events.closed) this.#events = this.#hub.listen(undefined);
    signal.addEventListener("abort", () => {
      dialog.end(signal.reason);
      if (this.#established) this.#hub.end(signal.reason);
    }, { once: true });
    return this.#codec = qmpCodec({
      maxMessageBytes: this.maxMessageBytes,
      ending: this.remoteAddress?.transport === "tls" ? newlineApart : nothing,
    });
  }

  /** Waits for the greeting and for an agreement on capabilities. */
  protected override async negotiate(): Promise<void> {
    if (this.#awaitGreeting) {
      await this.#phase(
        () => this.#dialog.greeting !== undefined,
        "greeting",
        GreetingError,
      );
    }
    if (this.#negotiate) {
      await this.#phase(
        () => this.#dialog.negotiated,
        "reply to qmp_capabilities",
        NegotiationError,
      );
    }
    this.#established = true;
  }

  /** Routes a message to who waits for it. */
  protected override onMessage(message: QMPMessage, bytes: number): void {
    this.#dialog.handle(message, bytes);
  }

  /** Leaves out passwords and the data of secret objects. */
  protected override describe(message: QMPMessage): unknown {
    return redactReply(message, this.#dialog.commandOf(message));
  }

  /** After `quit`, the server ends the session, in whatever way. */
  protected override isOrderlyEnd(_cause: unknown): boolean {
    return this.#dialog.quitting;
  }
}
