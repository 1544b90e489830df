import type { Channel, ChannelAction } from "../_channel/channel.ts";
import { osError } from "../_socket/os_error.ts";
import type { Connection } from "../transport.ts";
import {
  type CloseReason,
  formatClose,
  isOrderly,
  parseClose,
} from "./close_frame.ts";
import { Opcode, WebSocketError } from "./frame.ts";
import { FrameReader, MIN_MESSAGE_READ } from "./frame_reader.ts";
import { FrameWriter } from "./frame_writer.ts";
import { systemErrors } from "../_util/system_errors.ts";

/**
 * How long the peer's Close frame is waited for. After that the connection below
 * is closed in order, which loses nothing that was written.
 */
const CLOSE_WAIT_MS = 250;

/** How much of what a peer still sends is read while its Close frame is awaited. */
const MAX_DISCARDED = 1024 * 1024;

/** What a channel needs to know of its connection. */
export interface WebSocketChannelOptions {
  /** A client masks its frames, and a server does not (RFC 6455 §5.3). */
  readonly role: "client" | "server";
  readonly messages: boolean;
  /** The bytes that came with the handshake. */
  readonly initial: Uint8Array;
  /** The address, for errors. */
  readonly name: string;
}

/**
 * The data of a WebSocket as bytes. A Close frame of the peer is the end of
 * reading, and ours goes out when writing ends: so each end may say all that it
 * has to say.
 */
export class WebSocketChannel implements Channel {
  readonly minRead: number;
  readonly #connection: Connection;
  readonly #name: string;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  #peerClosed: CloseReason | undefined;
  #sentClose = false;
  /** The latest ping that is not answered: only that one must be (§5.5.2). */
  #ping: Uint8Array | undefined;

  constructor(connection: Connection, options: WebSocketChannelOptions) {
    const { role, messages, initial, name } = options;
    this.minRead = messages ? MIN_MESSAGE_READ : 1;
    this.#connection = connection;
    this.#name = name;
    this.#reader = new FrameReader(connection, initial, {
      masked: role === "server",
      messages,
      control: (opcode, payload) => this.#control(opcode, payload),
    });
    this.#writer = new FrameWriter(connection, {
      masked: role === "client",
      messages,
    });
  }

  async read(into: Uint8Array): Promise<number | null> {
    try {
      const count = await this.#reader.read(into);
      if (count !== null) return count;
      const closed = this.#peerClosed;
      if (!closed) {
        throw new WebSocketError("the stream has ended without a Close frame");
      }
      if (isOrderly(closed.code)) return null;
      throw new WebSocketError(
        `the peer has closed with ${closed.code} ${
          JSON.stringify(closed.reason)
        }`,
      );
    } catch (error) {
      if (error instanceof WebSocketError && !this.#peerClosed) {
        this.#fail(error);
      }
      throw error;
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#writer.write(bytes);
    return bytes.length;
  }

  async closeWrite(): Promise<void> {
    if (this.#sentClose) return;
    this.#sentClose = true;
    const ended = new WebSocketError("a Close frame has been sent");
    await this.#writer.close(formatClose(1000), ended);
  }

  closeRead(): void {}

  async close(
    reading: Promise<number | null> | undefined,
    exhausted: boolean,
  ): Promise<void> {
    const timer = setTimeout(() => this.#connection.close(), CLOSE_WAIT_MS);
    // The peer may go without a Close frame: nobody wants its bytes any more.
    if (!exhausted) await this.#discard(reading).catch(() => {});
    clearTimeout(timer);
    await this.#connection.close();
  }

  abort(reason: unknown): Promise<void> {
    this.#connection.abort(reason);
    return this.#connection.closed.catch(() => {});
  }

  explain(action: ChannelAction, cause?: unknown): unknown {
    if (cause instanceof WebSocketError) {
      return new WebSocketError(
        `${action} ${this.#name}: ${cause.message}`,
        cause.code,
      );
    }
    const closed = new systemErrors.BadResource("the connection is closed");
    return osError(`${action} ${this.#name}`, rootOf(cause ?? closed));
  }

  /** Reads up to the peer's Close frame; a peer that talks on is not waited for. */
  async #discard(reading: Promise<number | null> | undefined): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    let count = await (reading ?? this.#reader.read(buffer));
    let discarded = 0;
    while (count !== null && discarded < MAX_DISCARDED) {
      discarded += count;
      count = await this.#reader.read(buffer);
    }
  }

  #control(opcode: number, payload: Uint8Array): boolean {
    if (opcode === Opcode.CLOSE) {
      this.#peerClosed = parseClose(payload);
      return true;
    }
    if (opcode === Opcode.PING && !this.#sentClose) {
      const answering = this.#ping !== undefined;
      this.#ping = payload;
      if (!answering) this.#pong();
    }
    return false;
  }

  /** Answers pings until there is none; a write that fails tells its own caller. */
  async #pong(): Promise<void> {
    try {
      while (this.#ping && !this.#sentClose) {
        const payload = this.#ping;
        await this.#writer.control(Opcode.PONG, payload);
        if (this.#ping === payload) this.#ping = undefined;
      }
    } catch {
      this.#ping = undefined;
    }
  }

  /** Tells the peer which rule it has broken (§7.1.7). */
  #fail(error: WebSocketError): void {
    if (this.#sentClose) return;
    this.#sentClose = true;
    this.#writer.close(formatClose(error.code, error.message), error)
      .catch(() => {});
  }
}

/** What went wrong below, without the address there, unless the flags go by it. */
export function rootOf(error: unknown): unknown {
  const { NotCapable } = systemErrors;
  return error instanceof Error && error.cause instanceof Error &&
      !(error instanceof NotCapable)
    ? error.cause
    : error;
}
