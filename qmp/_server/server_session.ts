import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
  EndOfStreamError,
  QueueLimitError,
} from "../../protocol/mod.ts";
import { loggable } from "../../protocol/_util/loggable.ts";
import { loggerOf } from "../../protocol/_util/logger.ts";
import { printable } from "../../protocol/_util/printable.ts";
import { startTimer } from "../../protocol/_util/start_timer.ts";
import type { WaitOptions } from "../../transports/transport.ts";
import { abortable, within } from "../_client/wait.ts";
import type { Logger } from "../_deps.ts";
import { BadInput } from "../_wire/bad_input.ts";
import { isObject } from "../_wire/client_codec.ts";
import { isTimeout } from "../_wire/failure.ts";
import { redact, redactReply } from "../_wire/redact.ts";
import { ServerCodec } from "../_wire/server_codec.ts";
import { CommandError } from "../command.ts";
import type { EmitOptions, QMPSession } from "../session.ts";
import type { QMPGreeting, QMPMessage } from "../messages.ts";
import type { EmitParameters, EventName, QMPSchema } from "../schema.ts";
import { agreeOn } from "./agree_on.ts";
import { CommandQueue } from "./command_queue.ts";
import {
  type CommandRequest,
  isOutOfBand,
  parseRequest,
} from "./command_request.ts";
import { ErrorCount } from "./error_count.ts";
import { errorReply, isForClient } from "./error_reply.ts";
import { eventMessage } from "./event_message.ts";

/** The parts of the server that a session needs. */
export interface SessionHost<S extends QMPSchema> {
  /** The greeting of a client. */
  readonly greeting: QMPGreeting;
  /** Called with each session when it begins. */
  onBegin(session: ServerSession<S>): void;
  /** Executes a command. It throws the error to answer with. */
  execute(
    request: CommandRequest,
    session: QMPSession<S>,
    signal: AbortSignal,
  ): unknown;
}

/**
 * How long events to all clients may wait for one client in its whole session.
 * With a limit for each event, a client that reads now and then could delay all
 * others for ever.
 */
const PATIENCE_MS = 1_000;

/** A session, as its server sees it. */
export class ServerSession<S extends QMPSchema>
  extends AsyncProtocol<unknown, QMPMessage>
  implements QMPSession<S> {
  readonly #host: SessionHost<S>;
  readonly #logger: Logger;
  readonly #closeTimeout: number;
  #negotiated = false;
  #outOfBand = false;
  #queue = new CommandQueue();
  #errors = new ErrorCount();
  /** Whether events to all clients no longer wait for this one. */
  #slow = false;
  /** The commands by their replies, for the log. */
  readonly #commands = new WeakMap<QMPMessage, unknown>();
  /** Aborted when the client may no longer wait for answers. */
  #left = new AbortController();

  constructor(host: SessionHost<S>, options: AsyncProtocolOptions = {}) {
    super(options);
    this.#host = host;
    this.#closeTimeout = options.closeTimeout ?? 5_000;
    this.#logger = loggerOf(
      "parley",
      "qmp",
      options.name ?? this.constructor.name,
    );
  }

  // Public interface

  get negotiated(): boolean {
    return this.#negotiated;
  }

  async emit<N extends EventName<S>>(
    name: N,
    ...[data, options]: EmitParameters<S, N, EmitOptions>
  ): Promise<void> {
    await this.#sendEvent((room) => room, eventMessage(name, data, options));
  }

  /**
   * Like `emit()`, for events to all clients: the wait for room is limited by
   * `PATIENCE_MS`. After that, a session that holds too much ends.
   */
  async emitInTime<N extends EventName<S>>(
    name: N,
    ...[data, options]: EmitParameters<S, N, EmitOptions>
  ): Promise<void> {
    if (this.#slow && this.budget.exceeded) return this.#endSlow();
    await this.#sendEvent(
      (room) => this.#inTime(room),
      eventMessage(name, data, options),
    );
  }

  async finish({ signal }: WaitOptions = {}): Promise<void> {
    this.#queue.close();
    const late = new AbortController();
    const timer = startTimer(() => {
      const message = `closeTimeout of ${this.#closeTimeout} ms has passed`;
      late.abort(new DOMException(message, "TimeoutError"));
    }, this.#closeTimeout);
    const cut = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
    // If the session ends first, no answer can be sent.
    const over = this.closed.catch(() => {});
    try {
      await abortable(Promise.race([this.#queue.idle(), over]), cut)
        .catch(() => {});
      await this.disconnect({ signal: cut });
    } finally {
      clearTimeout(timer);
    }
  }

  // Session machinery

  /** Makes a command of a message, or a refusal. */
  #requestOf(message: unknown): ClientMessage {
    const enabled = this.#outOfBand;
    const id = isObject(message) ? message.id : undefined;
    try {
      if (message instanceof BadInput) {
        throw new CommandError("GenericError", message.description);
      }
      const request = parseRequest(message, enabled);
      this.#errors.command();
      const { outOfBand } = request;
      return { message, id, outOfBand, run: () => this.#execute(request) };
    } catch (error) {
      const tooMany = this.#errors.error();
      return {
        message,
        id,
        outOfBand: enabled && isOutOfBand(message),
        run: () => {
          throw error;
        },
        fatal: (message instanceof BadInput && message.fatal) || tooMany,
      };
    }
  }

  async #answer(request: ClientMessage): Promise<void> {
    const { signal } = this;
    let reply: QMPMessage;
    try {
      const result = await request.run();
      reply = { return: result === undefined ? {} : result };
    } catch (error) {
      reply = this.#refusal(error);
    }
    if (signal.aborted) return;
    try {
      await this.#reply(reply, request);
    } catch (error) {
      if (signal.aborted) return;
      // The result has no JSON text.
      await this.#reply(this.#refusal(error), request).catch(() => {});
    }
    if (request.fatal) this.#end(request.fatal);
  }

  #reply(reply: QMPMessage, { id, message }: ClientMessage): Promise<void> {
    const answer = id === undefined ? reply : { ...reply, id };
    this.#commands.set(answer, message);
    return this.send(answer);
  }

  #execute(request: CommandRequest): unknown {
    const { command, outOfBand } = request;
    if (command === "qmp_capabilities" && !outOfBand) {
      return this.#agree(request);
    }
    if (!this.#negotiated) {
      throw new CommandError(
        "CommandNotFound",
        "Expecting capabilities negotiation with 'qmp_capabilities'",
      );
    }
    return this.#host.execute(request, this, this.#left.signal);
  }

  #agree({ args }: CommandRequest): void {
    if (this.#negotiated) {
      throw new CommandError(
        "CommandNotFound",
        "Capabilities negotiation is already complete, command ignored",
      );
    }
    const enabled = agreeOn(this.#host.greeting, args);
    this.#outOfBand = enabled.includes("oob");
    this.#negotiated = true;
  }

  #refusal(error: unknown): QMPMessage {
    if (!isForClient(error)) {
      this.#logger.warn("Command failed: {error}", { error: loggable(error) });
    }
    return errorReply(error);
  }

  /** Sends an event to a client that has negotiated, and waits for room. */
  async #sendEvent(
    wait: (room: Promise<void>) => Promise<void>,
    event: QMPMessage,
  ): Promise<void> {
    const { signal } = this;
    if (!this.#negotiated || signal.aborted) return;
    try {
      await wait(this.send(event));
    } catch (error) {
      // The end of the session is not a failure of the event.
      if (!signal.aborted) throw error;
    }
  }

  async #inTime(room: Promise<void>): Promise<void> {
    const left = PATIENCE_MS - this.stats.blockedMs;
    this.#slow ||= left <= 0;
    // Even without a wait, an event that has no JSON text rejects.
    if (this.#slow) return await Promise.race([room, undefined]);
    try {
      await within(left, room);
    } catch (error) {
      if (!isTimeout(error)) throw error;
      this.#slow = true;
    }
  }

  /** Ends the session at once: there is no room for more events. */
  #endSlow(): void {
    const { used, limit } = this.budget;
    const error = new QueueLimitError(
      `Client does not read its events: ${used} bytes are queued, maxQueuedBytes is ${limit}`,
      limit,
      used,
    );
    this.#end(error, AbortSignal.abort(error));
  }

  /** Ends the session because of its client. The queue is sent first. */
  #end(error: Error, signal?: AbortSignal): void {
    this.#logger.error("Session is ended: {message}", {
      message: printable(error.message),
    });
    // `closed` rejects with the error.
    this.disconnect({ reason: error, signal }).catch(() => {});
  }

  // Hooks for subclasses

  /** Begins a session afresh. */
  protected override createCodec(): Codec<unknown, QMPMessage> {
    this.#negotiated = this.#outOfBand = this.#slow = false;
    this.#errors = new ErrorCount();
    const queue = this.#queue = new CommandQueue();
    const left = this.#left = new AbortController();
    const { signal } = this;
    signal.addEventListener("abort", () => {
      this.#negotiated = false;
      queue.end();
      left.abort(signal.reason);
    }, { once: true });
    this.#host.onBegin(this);
    return new ServerCodec(this.maxMessageBytes);
  }

  /** Greets the client. */
  protected override async negotiate(): Promise<void> {
    await this.send(this.#host.greeting);
  }

  /**
   * Executes a command: out of band at once, in band in its turn. Before
   * negotiation is done, the next message waits for the answer, which decides
   * whether out-of-band execution is enabled.
   */
  protected override onMessage(
    message: unknown,
    bytes: number,
  ): void | Promise<void> {
    const queue = this.#queue;
    if (queue.closed) return queue.room();
    const { budget } = this;
    const request = this.#requestOf(message);
    budget.take(bytes);
    const run = async () => {
      await this.#answer(request);
      budget.release(bytes);
    };
    if (request.outOfBand) queue.addOutOfBand(run);
    else queue.add(run);
    if (request.fatal) queue.close();
    return this.#negotiated ? queue.room() : queue.idle();
  }

  /** A client that has half-closed still gets its answers. */
  protected override onEnd(): Promise<void> {
    this.#left.abort(new EndOfStreamError("Client has ended the stream"));
    return this.#queue.idle();
  }

  /** Answers the received commands, and accepts no more. */
  protected override onShutdown(): Promise<void> {
    return this.finish();
  }

  /** Leaves out secrets, and input that is not JSON. */
  protected override describe(message: unknown): unknown {
    if (message instanceof BadInput) return message.description;
    const command = this.#commands.get(Object(message));
    return command ? redactReply(message, command) : redact(message);
  }

  /** A client may leave at any time. */
  protected override isOrderlyEnd(cause: unknown): boolean {
    return cause instanceof EndOfStreamError;
  }
}

/** The execution of a client's message. */
interface ClientMessage {
  readonly message: unknown;
  readonly id: unknown;
  readonly outOfBand: boolean;
  /** Returns the result, or throws the error of a refusal. */
  run(): unknown;
  /** The error that ends the session after the answer. */
  readonly fatal?: Error | undefined;
}
