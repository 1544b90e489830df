import type { Channel, ChannelAction } from "../_channel/channel.ts";
import { osError } from "../_socket/os_error.ts";
import type { Connection } from "../transport.ts";
import type { NodeSocket } from "./node_socket.ts";
import { systemErrors } from "../_util/system_errors.ts";

/** How long a connection that closes waits for a server's tickets. */
const SETTLE_MS = 500;

/** TLS over a connection, as a channel. */
export class TlsChannel implements Channel {
  readonly #socket: NodeSocket;
  readonly #connection: Connection;
  readonly #name: string;

  /** @param name The peer, as errors call it. */
  constructor(socket: NodeSocket, connection: Connection, name: string) {
    this.#socket = socket;
    this.#connection = connection;
    this.#name = name;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#socket.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#socket.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#socket.closeWrite();
  }

  closeRead(): void {
    // TLS has no way to tell its peer.
  }

  async close(
    reading: Promise<number | null> | undefined,
    exhausted: boolean,
  ): Promise<void> {
    if (!exhausted) await this.#settle(reading);
    this.#socket.destroy();
    await this.#connection.close();
  }

  abort(reason: unknown): Promise<void> {
    this.#socket.destroy();
    this.#connection.abort(reason);
    return this.#connection.closed;
  }

  explain(action: ChannelAction, cause?: unknown): unknown {
    return isExplained(cause) ? cause : osError(
      `${action} ${this.#name}`,
      cause ?? new systemErrors.BadResource("the connection is closed"),
    );
  }

  /**
   * Waits for the tickets of a server. If they arrived after the release, the
   * system would send a reset, which can destroy the bytes written last.
   */
  async #settle(pending: Promise<number | null> | undefined): Promise<void> {
    const { settled } = this.#socket;
    if (!settled) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, SETTLE_MS);
    const reading = pending ?? this.#socket.read(new Uint8Array(1));
    await Promise.race([settled, reading, promise]).catch(() => {});
    clearTimeout(timer);
  }
}

/** Whether an error of a connection says already what was being done. */
export function isExplained(error: unknown): boolean {
  return error instanceof Error && /^(Read from|Write to) /.test(error.message);
}
