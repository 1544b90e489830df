import type {
  Channel,
  ChannelAction,
  ReadOutcome,
} from "../_channel/channel.ts";
import { osError } from "./os_error.ts";
import type { RawSocket } from "./raw_socket.ts";
import { systemErrors } from "../_util/system_errors.ts";

const DRAIN_BYTES = 64 * 1024;

/**
 * How long a connection that closes goes on reading from a peer that still
 * sends. A socket that is released with bytes unread makes the kernel send a
 * reset, and a reset can destroy the bytes that were written last.
 */
const LINGER_MS = 500;
const LINGER_STEPS = 10;

/** The raw operations of a socket as a channel. */
export class SocketChannel implements Channel {
  readonly #socket: RawSocket;
  readonly #name: string;
  #released = false;

  /** @param name The peer, as errors call it. */
  constructor(socket: RawSocket, name: string) {
    this.#socket = socket;
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
    // A socket has no way to tell its peer.
  }

  async close(
    reading: ReadOutcome | undefined,
    exhausted: boolean,
  ): Promise<void> {
    if (!exhausted) await this.#drain(reading);
    this.#release();
  }

  abort(): void {
    this.#release();
  }

  explain(action: ChannelAction, cause?: unknown): unknown {
    return osError(
      `${action} ${this.#name}`,
      cause ?? new systemErrors.BadResource("the connection is closed"),
    );
  }

  #release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#socket.close();
  }

  /**
   * Reads and drops what a peer that still sends has to say, until its end or
   * {@linkcode LINGER_MS}. It does not wait for a silent peer.
   */
  async #drain(pending: ReadOutcome | undefined): Promise<void> {
    const buffer = new Uint8Array(DRAIN_BYTES);
    const reading = pending ?? this.#socket.read(buffer);
    const release = () => this.#release();
    // In steps: time in which the process stood still does not count.
    let steps = LINGER_STEPS;
    const lingering = setInterval(() => {
      if (--steps === 0) release();
    }, LINGER_MS / LINGER_STEPS);
    await Promise.race([this.#socket.settled, reading]).catch(() => {});
    // Bytes that have arrived are read before the second of two timers of 0 ms.
    let silence = setTimeout(() => {
      silence = setTimeout(release);
    });
    try {
      let count = await reading;
      clearTimeout(silence);
      steps = LINGER_STEPS;
      while (count !== null) count = await this.#socket.read(buffer);
    } catch {
      // The socket is gone, with everything that it had to say.
    } finally {
      clearTimeout(silence);
      clearInterval(lingering);
    }
  }
}
