import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
  EventHub,
  PendingCalls,
  ProtocolError,
} from "@parley/parley";
import { codeOf, ERROR, messages, REPLY, setup } from "./codec.ts";
import { XError } from "./errors.ts";
import {
  readSetup,
  request,
  type Setup,
  setupRequest,
  u16At,
} from "./layout.ts";

/** Options of a display. */
export interface DisplayOptions extends AsyncProtocolOptions {
  /** A cookie of `xauth list`, as bytes. */
  cookie?: Uint8Array | undefined;
  /** The deadline of a request, in milliseconds; 10,000 if it is not given. */
  timeout?: number | undefined;
}

const GET_INPUT_FOCUS = 43;
/** The only event without a sequence number. */
const KEYMAP_NOTIFY = 11;
const MAX_UNCONFIRMED = 0x8000;

/**
 * A client of an X server. Replies have no ids: a message has the low 16 bits of
 * the number of the last request that was executed. A request without a reply is
 * known to have succeeded when the server has come to a later one.
 */
export class Display extends AsyncProtocol<Uint8Array> {
  /** The events of all windows, by their code: `EVENTS` has some. */
  readonly events = new EventHub<Uint8Array>((bytes) => `${codeOf(bytes)}`);
  readonly #options: DisplayOptions;
  readonly #calls = new PendingCalls<Uint8Array>();
  /** The calls that have a reply. */
  readonly #questions = new WeakSet<object>();
  /** The number of the last request, and of the last that has a reply. */
  #sent = 0;
  #asked = 0;
  /** The number that the last message had. */
  #seen = 0;
  #setup: Setup | undefined;
  #lastId = 0;

  constructor(options: DisplayOptions = {}) {
    const { keepAliveInterval = 30_000 } = options;
    super({ ...options, keepAliveInterval });
    this.#options = options;
  }

  /** What the server has told of itself. */
  get setup(): Setup {
    this.assertRunning();
    if (!this.#setup) throw new TypeError("There was no set-up");
    return this.#setup;
  }

  /** An id for a window, a graphics context or something else that is ours. */
  newId(): number {
    const { idBase, idMask } = this.setup;
    const step = idMask & -idMask;
    if (this.#lastId + step > idMask) throw new RangeError("No ids are left");
    return (idBase | (this.#lastId += step)) >>> 0;
  }

  /**
   * Sends a request that has a reply, and returns the reply.
   *
   * @throws {XError} The server has refused it.
   */
  async ask(
    opcode: number,
    data = 0,
    ...body: Uint8Array[]
  ): Promise<Uint8Array> {
    return await this.#send(request(opcode, data, ...body), true);
  }

  /**
   * Sends a request that has no reply: resolves when the server has executed it.
   * The requests of one turn of the event loop share one round trip.
   *
   * @throws {XError} The server has refused it.
   */
  async do(opcode: number, data = 0, ...body: Uint8Array[]): Promise<void> {
    const done = this.#send(request(opcode, data, ...body), false);
    this.#confirm(MAX_UNCONFIRMED);
    queueMicrotask(() => this.#confirm(1));
    await done;
  }

  protected override createCodec(): Codec<Uint8Array> {
    return setup({ maxMessageBytes: this.maxMessageBytes });
  }

  protected override async negotiate(signal: AbortSignal): Promise<void> {
    this.send(setupRequest(this.#options.cookie));
    const answer = await this.receive({ signal });
    if (answer[0] !== 1) {
      const reason = new TextDecoder().decode(answer.subarray(8));
      throw new XError(`Server refuses: ${reason.replace(/\0/g, "").trim()}`);
    }
    this.#setup = readSetup(answer);
    this.#sent = this.#asked = this.#seen = 0;
    this.#lastId = 0;
    this.useCodec(messages({ maxMessageBytes: this.maxMessageBytes }));
  }

  protected override onMessage(message: Uint8Array): void {
    const code = codeOf(message);
    if (code !== KEYMAP_NOTIFY) {
      this.#seen += (u16At(message, 2) - this.#seen) & 0xffff;
    }
    if (this.#seen > this.#sent) {
      throw new ProtocolError(
        `Server has come to request ${this.#seen}, expected ${this.#sent} at most`,
      );
    }
    for (;;) {
      const call = this.#calls.first();
      if (!call || call.id >= this.#seen) break;
      if (this.#questions.has(call)) {
        throw new ProtocolError(
          `Server has come to request ${this.#seen}, without a reply to ${call.id}`,
        );
      }
      this.#calls.resolve(call.id, message); // nothing has gone wrong with it
    }
    if (code === REPLY) this.#calls.resolve(this.#seen, message);
    else if (code === ERROR) this.#calls.reject(this.#seen, XError.of(message));
    else this.events.dispatch(message, message.length);
  }

  protected override onSessionEnd(cause: unknown): void {
    this.events.end(cause);
  }

  protected override async keepAlive(): Promise<void> {
    await this.ask(GET_INPUT_FOCUS);
  }

  /** A server that is full may have room later; a cookie does not become right. */
  protected override isRetriable(error: unknown): boolean {
    const isRefused = error instanceof XError &&
      !error.message.includes("Maximum number of clients");
    return !isRefused && super.isRetriable(error);
  }

  /** Keeps the cookie out of the log. */
  protected override describe(message: Uint8Array): unknown {
    return { first: message[0], bytes: message.length };
  }

  #send(bytes: Uint8Array, hasReply: boolean): Promise<Uint8Array> {
    const { timeout = 10_000 } = this.#options;
    const id = this.#sent + 1;
    const options = { id, method: `request ${bytes[0]}`, timeout };
    return this.sendCall(this.#calls, options, (call) => {
      this.#sent = id;
      if (hasReply) {
        this.#asked = id;
        this.#questions.add(call);
      }
      return bytes;
    });
  }

  /** Asks for something if so many requests wait for a reply behind them. */
  #confirm(count: number): void {
    if (this.#sent - this.#asked < count) return;
    this.ask(GET_INPUT_FOCUS).catch(() => {}); // the others reject, too
  }
}
