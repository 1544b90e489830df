import type { Address, Connection } from "../../transports/transport.ts";
import { abortable } from "../_util/abortable.ts";

/**
 * The connection of a session: owned from the moment it comes, also if that is
 * after the session's end.
 */
export class OwnedConnection {
  readonly #signal: AbortSignal;
  /** Fulfilled when the connection has come, or will not come. */
  #opening: Promise<void> | undefined;
  #connection: Connection | undefined;

  /** @param signal Aborted when the session ends. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  get remoteAddress(): Address | undefined {
    return this.#connection?.remoteAddress;
  }

  /** Waits for the connection, or for the one that takes its place. */
  async open(opening: Promise<Connection>): Promise<Connection> {
    const signal = this.#signal;
    this.#opening = opening.then((connection) => {
      this.#connection = connection;
      if (signal.aborted) connection.abort(signal.reason);
    }, () => {});
    const connection = await abortable(opening, signal);
    signal.throwIfAborted();
    this.#opening = undefined;
    return connection;
  }

  /** Ends writing, and releases everything. */
  async close(): Promise<void> {
    await this.#connection?.closeWrite();
    await this.#connection?.close();
  }

  /** Ends it at once, and releases everything. */
  async abort(reason: unknown): Promise<void> {
    this.#connection?.abort(reason);
    await this.#opening;
    await this.#connection?.close();
  }
}
