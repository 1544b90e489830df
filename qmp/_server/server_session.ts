import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
  EndOfStreamError,
} from "../../protocol/mod.ts";
import { isObject } from "../_wire/client_codec.ts";
import { getLogger, type Logger } from "../_deps.ts";
import { messageOf } from "../_wire/failure.ts";
import { redact, redactReply } from "../_wire/redact.ts";
import { type CommandRequest, parseRequest } from "./command_request.ts";
import { ParseFailure, serverCodec } from "../_wire/server_codec.ts";
import { CommandError } from "../command.ts";
import type { QMPSession } from "../session.ts";
import type { QMPGreeting, QMPMessage } from "../messages.ts";
import type { EmitParameters, EventName, QMPSchema } from "../schema.ts";

/** So many commands in band wait at most; then nothing is read, as in QEMU. */
const QUEUED_COMMANDS = 8;

/** What a session needs of its server. */
export interface SessionHost<S extends QMPSchema> {
  /** What a client is greeted with. */
  readonly greeting: QMPGreeting;
  /** Told of each session when it begins. */
  onBegin(session: QMPSession<S>): void;
  /** Executes a command; throws what it is to be refused with. */
  execute(
    request: CommandRequest,
    session: QMPSession<S>,
    signal: AbortSignal,
  ): unknown;
}

/** A session, as its server sees it. */
export class ServerSession<S extends QMPSchema>
  extends AsyncProtocol<unknown, QMPMessage>
  implements QMPSession<S> {
  readonly #host: SessionHost<S>;
  readonly #logger: Logger;
  #negotiated = false;
  #outOfBand = false;
  #ending = false;
  /** Commands in band that have no reply yet, the one in execution first. */
  #queue: CommandRequest[] = [];
  /** What is in execution: the queue as one, and each command out of band. */
  #working = new Set<Promise<void>>();
  /** The commands that were answered, by their replies, for the log. */
  readonly #commands = new WeakMap<QMPMessage, unknown>();
  /** Aborted when nobody may wait for answers any more. */
  #left = new AbortController();
  /** Holds the reader. */
  #held: PromiseWithResolvers<void> | undefined;

  constructor(host: SessionHost<S>, options?: AsyncProtocolOptions) {
    super(options);
    this.#host = host;
    this.#logger = getLogger([
      "parley",
      "qmp",
      options?.name ?? this.constructor.name,
    ]);
  }

  // Public interface

  get negotiated(): boolean {
    return this.#negotiated;
  }

  async emit<N extends EventName<S>>(
    name: N,
    ...[data]: EmitParameters<S, N>
  ): Promise<void> {
    if (!this.#negotiated || this.signal.aborted) return;
    const { signal } = this;
    try {
      await this.send(eventOf(name, data));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async finish(): Promise<void> {
    this.#ending = true;
    // A session that ends first takes no answers any more.
    const over = this.closed.catch(() => {});
    await Promise.race([this.#answered(), over]);
    await this.disconnect();
  }

  // Session machinery

  /** Waits until every command that was received has been answered. */
  async #answered(): Promise<void> {
    while (this.#working.size > 0) await Promise.all(this.#working);
  }

  /** Executes what is queued, in order. */
  async #work(): Promise<void> {
    const { signal } = this;
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      await this.#answer(next);
      if (signal.aborted) return;
      this.#queue.shift();
      if (!this.#ending) this.#held?.resolve();
    }
  }

  async #answer(request: CommandRequest): Promise<void> {
    const { signal } = this;
    let reply: QMPMessage;
    try {
      const result = await this.#execute(request);
      reply = { return: result === undefined ? {} : result };
    } catch (error) {
      reply = this.#refusal(error);
    }
    if (signal.aborted) return;
    const { id } = request.message;
    const answer = withId(reply, id);
    this.#commands.set(answer, request.message);
    try {
      await this.send(answer);
    } catch (error) {
      // Either the result has no JSON text, or nobody is there to get it.
      if (!signal.aborted) this.#reply(withId(this.#refusal(error), id));
    }
  }

  #execute(request: CommandRequest): unknown {
    const { command } = request;
    if (command === "qmp_capabilities") return this.#agree(request);
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
        "Capabilities negotiation is already complete, command 'qmp_capabilities' ignored",
      );
    }
    const { enable = [] } = args;
    if (!Array.isArray(enable)) {
      throw new CommandError(
        "GenericError",
        "Invalid parameter type for 'enable', expected: array",
      );
    }
    const { capabilities } = this.#host.greeting.QMP;
    for (const capability of enable) {
      if (!capabilities.includes(capability)) {
        throw new CommandError(
          "GenericError",
          `Capability '${capability}' is not available`,
        );
      }
    }
    this.#outOfBand = enable.includes("oob");
    this.#negotiated = true;
  }

  #refusal(error: unknown): QMPMessage {
    if (!(error instanceof CommandError)) {
      this.#logger.warn("Command failed: {error}", { error });
    }
    const errorClass = error instanceof CommandError
      ? error.errorClass
      : "GenericError";
    return { error: { class: errorClass, desc: messageOf(error) } };
  }

  /** Sends what nobody waits for to be sent. */
  #reply(message: QMPMessage): void {
    this.send(message).catch(() => {});
  }

  /** Begins work once it is known of: a handler may end the session in order. */
  #track(work: () => Promise<void>): void {
    const tracked = Promise.resolve().then(work).finally(() =>
      this.#working.delete(tracked)
    );
    this.#working.add(tracked);
  }

  #hold(): Promise<void> {
    this.#held = Promise.withResolvers();
    return this.#held.promise;
  }

  // Hooks for subclasses

  /** Begins a session afresh. */
  protected override createCodec(): Codec<unknown, QMPMessage> {
    this.#negotiated = this.#outOfBand = this.#ending = false;
    this.#queue = [];
    this.#working = new Set();
    const { signal } = this;
    const left = this.#left = new AbortController();
    signal.addEventListener("abort", () => {
      this.#negotiated = false;
      this.#held?.resolve();
      left.abort(signal.reason);
    }, { once: true });
    this.#host.onBegin(this);
    return serverCodec(this.maxMessageBytes);
  }

  /** Greets the client. */
  protected override async negotiate(): Promise<void> {
    await this.send(this.#host.greeting);
  }

  /** Executes a command: out of band at once, in band in its turn. */
  protected override onMessage(message: unknown): void | Promise<void> {
    if (this.#ending) return this.#hold();
    let request: CommandRequest;
    try {
      if (message instanceof ParseFailure) {
        const { offset } = message.cause;
        throw new CommandError(
          "GenericError",
          `Input is not JSON at offset ${offset}`,
        );
      }
      request = parseRequest(message, this.#outOfBand);
    } catch (error) {
      const id = isObject(message) ? message.id : undefined;
      return this.#reply(withId(this.#refusal(error), id));
    }
    if (request.outOfBand) return this.#track(() => this.#answer(request));
    this.#queue.push(request);
    if (this.#queue.length === 1) this.#track(() => this.#work());
    if (this.#queue.length >= QUEUED_COMMANDS) return this.#hold();
  }

  /** A client that has ended writing still gets its answers. */
  protected override onEnd(): Promise<void> {
    this.#left.abort(new EndOfStreamError("Client has ended the stream"));
    return this.#answered();
  }

  /** Waits until every command that was received has been answered. */
  protected override onShutdown(): Promise<void> {
    return this.#answered();
  }

  /** Leaves out passwords, the data of secret objects, and what is no message. */
  protected override describe(message: unknown): unknown {
    if (message instanceof ParseFailure) return "no JSON";
    const command = this.#commands.get(Object(message));
    return command ? redactReply(message, command) : redact(message);
  }

  /** A client may leave at any time. */
  protected override isOrderlyEnd(cause: unknown): boolean {
    return cause instanceof EndOfStreamError;
  }
}

function eventOf(event: string, data: unknown): QMPMessage {
  const now = performance.timeOrigin + performance.now();
  const timestamp = {
    seconds: Math.floor(now / 1000),
    microseconds: Math.floor((now % 1000) * 1000),
  };
  return data === undefined ? { timestamp, event } : { timestamp, event, data };
}

function withId(reply: QMPMessage, id: unknown): QMPMessage {
  return id === undefined ? reply : { ...reply, id };
}
