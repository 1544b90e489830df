import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
  ProtocolError,
  startTls,
  type StartTlsOptions,
} from "@parley/parley";
import { postgres, sslAnswer } from "./codec.ts";
import { type Backend, type Frontend, PostgresError } from "./messages.ts";

const SSL_REQUEST = 80877103;
const CANCEL_REQUEST = 80877102;

/** Options of every session. */
export interface SessionOptions extends AsyncProtocolOptions {
  /**
   * Requires TLS, with these options.
   *
   * @default {undefined}
   */
  tls?: StartTlsOptions | undefined;
}

/** A session that has asked for TLS, if it is to have it, and for nothing else. */
export abstract class PostgresSession extends AsyncProtocol<Backend, Frontend> {
  readonly #tls: StartTlsOptions | undefined;

  constructor({ tls, ...options }: SessionOptions) {
    super(options);
    this.#tls = tls;
  }

  protected override createCodec(): Codec<Backend, Frontend> {
    return this.#tls ? sslAnswer() : this.#postgres();
  }

  protected override async negotiate(signal: AbortSignal): Promise<void> {
    if (!this.#tls) return;
    const options = { ...this.#tls, signal };
    this.send({ type: "SSLRequest", body: [SSL_REQUEST] });
    const answer = await this.receive({ signal });
    if (answer.type !== "SSLResponse" || !answer.accepted) {
      throw new ProtocolError("Server has no TLS: the option tls requires it");
    }
    await this.upgrade((connection) => startTls(connection, options));
    this.useCodec(this.#postgres());
  }

  /** Passwords are not logged, nor the proofs of them. */
  protected override describe(message: Backend | Frontend): unknown {
    const isSecret = /^(SASL|Authentication|BackendKeyData|CancelRequest)/
      .test(message.type);
    return isSecret ? { type: message.type } : message;
  }

  #postgres(): Codec<Backend, Frontend> {
    return postgres({ maxMessageBytes: this.maxMessageBytes });
  }
}

/** Which session to cancel what of, as the server has told it. */
export interface CancelKey {
  readonly processId: number;
  readonly secretKey: number;
}

/** A session that asks to cancel what another one executes, and ends. */
export class CancelSession extends PostgresSession {
  readonly #key: CancelKey;

  constructor(key: CancelKey, options: SessionOptions) {
    super(options);
    this.#key = key;
  }

  protected override async negotiate(signal: AbortSignal): Promise<void> {
    await super.negotiate(signal);
    const { processId, secretKey } = this.#key;
    const body = [CANCEL_REQUEST, processId, secretKey];
    await this.send({ type: "CancelRequest", body });
  }

  protected override onMessage(message: Backend): void {
    if (message.type === "ErrorResponse") {
      throw new PostgresError(message.fields);
    }
  }
}
