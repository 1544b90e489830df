import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
  ProtocolError,
  startTls,
  type StartTlsOptions,
} from "@parley/parley";
import { postgres } from "./codec.ts";
import { PostgresError } from "./error.ts";
import type { Backend, Frontend } from "./messages.ts";

/** A message without a type: its length, and a version that means TLS. */
const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47);

/** Options of every session. */
export interface SessionOptions extends AsyncProtocolOptions {
  /**
   * Requires TLS, with these options.
   *
   * @default {undefined}
   */
  tls?: StartTlsOptions | undefined;
}

/** A session that asks for TLS, if it is to have it, and says what it is for. */
export class PostgresSession extends AsyncProtocol<Backend, Frontend> {
  readonly #start: Frontend;
  readonly #tls: StartTlsOptions | undefined;

  /** @param start The first message over TLS: a log-in, or a cancel request. */
  constructor(start: Frontend, { tls, ...options }: SessionOptions) {
    super(options);
    this.#start = start;
    this.#tls = tls;
  }

  protected override createCodec(): Codec<Backend, Frontend> {
    return postgres({ maxMessageBytes: this.maxMessageBytes });
  }

  protected override async negotiate(signal: AbortSignal): Promise<void> {
    if (this.#tls) await this.#startTls({ ...this.#tls, signal });
    this.send(this.#start);
  }

  /** A cancel request has no answer, unless the server refuses it. */
  protected override onMessage(
    message: Backend,
    _bytes: number,
  ): void | Promise<void> {
    if (message.type === "ErrorResponse") throw new PostgresError(message.body);
  }

  /** Passwords are not logged, nor the proofs of them. */
  protected override describe(message: Backend | Frontend): unknown {
    const isSecret = /^(SASL|Authentication|BackendKeyData|CancelRequest)/
      .test(message.type);
    return isSecret ? { type: message.type } : message;
  }

  async #startTls(options: StartTlsOptions): Promise<void> {
    await this.upgrade(async (connection) => {
      await connection.write(SSL_REQUEST);
      const answer = new Uint8Array(1); // what is behind it is for TLS to check
      await connection.read(answer);
      if (answer[0] === 0x53) return startTls(connection, options); // "S"
      throw new ProtocolError("Server has no TLS: the option tls requires it");
    });
  }
}
