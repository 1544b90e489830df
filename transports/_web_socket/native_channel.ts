import type { Channel, ChannelAction } from "../_channel/channel.ts";
import { RingBuffer } from "../_memory/ring_buffer.ts";
import { isOrderly } from "./close_frame.ts";
import { Opcode, parseHeader, writeHeader } from "./frame.ts";

/** A write waits while so many bytes are buffered in the socket. */
const HIGH_WATER_MARK = 256 * 1024;
/** How often a waiting write looks: a socket tells nothing of its buffer. */
const POLL_MS = 5;
/** How long the peer may take to answer a Close frame. */
const CLOSE_TIMEOUT_MS = 3_000;

/** How long a socket may go on connecting once its connection is closed. */
const CONNECT_TIMEOUT_MS = 2_000;

/** What a channel over a native socket needs to know. */
export interface NativeChannelOptions {
  readonly messages: boolean;
  /** How many bytes may wait for a reader. */
  readonly maxQueuedBytes: number;
}

/** A native `WebSocket`, as browsers have it, as a channel. */
export class NativeChannel implements Channel {
  readonly #socket: WebSocket;
  readonly #options: NativeChannelOptions;
  /** The bytes that have arrived and are not read. */
  readonly #queue: RingBuffer;
  #wasOpen = false;
  /** Whether nobody reads any more. */
  #dropsInput = false;
  /** Why the socket fails; a page is not told (WebSockets §5). */
  #why: ErrorOptions = {};
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;
  readonly #opened = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  /** From when the connection is closed while the socket is connecting. */
  #connectTimer: ReturnType<typeof setTimeout> | undefined;
  #wakeReader = () => {};
  /** Bytes of frames that are not a whole message yet, and how many they are. */
  #outgoing = new Uint8Array(1024);
  #held = 0;

  constructor(socket: WebSocket, options: NativeChannelOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#queue = new RingBuffer(options.maxQueuedBytes);
    this.#opened.promise.catch(() => {});
    socket.binaryType = "arraybuffer";
    if (socket.readyState === WebSocket.OPEN) this.#onOpen();
    if (socket.readyState > WebSocket.OPEN) this.#onClose();
    socket.addEventListener("open", () => this.#onOpen());
    socket.addEventListener("error", (event) => {
      if ("error" in event) this.#why = { cause: event.error };
    });
    socket.addEventListener("message", ({ data }) => this.#onMessage(data));
    socket.addEventListener("close", (event) => this.#onClose(event));
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      if (this.#queue.length > 0) return this.#take(into);
      if (this.#failure) throw this.#failure.reason;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#opened.promise;
    if (this.#options.messages) this.#sendMessages(bytes);
    // A copy: the socket may send it later.
    else if (bytes.length > 0) this.#socket.send(bytes.slice());
    while (
      this.#socket.bufferedAmount > HIGH_WATER_MARK &&
      this.#socket.readyState === WebSocket.OPEN
    ) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    if (this.#failure) throw this.#failure.reason;
    if (this.#socket.readyState !== WebSocket.OPEN) {
      throw new TypeError("the socket is closed");
    }
    return bytes.length;
  }

  async closeWrite(): Promise<void> {
    await this.#opened.promise;
    this.#socket.close(1000);
  }

  closeRead(): void {
    this.#dropsInput = true;
    this.#queue.clear();
  }

  closing(): void {
    if (this.#socket.readyState !== WebSocket.CONNECTING) return;
    // What was written waits for the socket to open, and that may never be.
    this.#connectTimer ??= setTimeout(() => {
      this.abort(
        new DOMException(
          `Write to ${this.#socket.url}: the socket did not open within ${CONNECT_TIMEOUT_MS} ms of close()`,
          "TimeoutError",
        ),
      );
    }, CONNECT_TIMEOUT_MS);
  }

  async close(): Promise<void> {
    this.#socket.close(1000);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    await Promise.race([this.#closed.promise, late]);
    clearTimeout(timer);
    this.#end();
  }

  abort(reason: unknown): void {
    clearTimeout(this.#connectTimer);
    this.#fail(reason);
    this.#socket.close();
  }

  explain(action: ChannelAction, cause?: unknown): unknown {
    return cause ??
      new TypeError(`${action} ${this.#socket.url}: the connection is closed`);
  }

  #take(into: Uint8Array): number {
    const count = this.#queue.read(into);
    // No memory is kept while nothing waits.
    if (this.#queue.length === 0) this.#queue.clear();
    return count;
  }

  #onMessage(data: unknown): void {
    if (this.#ended || this.#dropsInput) return;
    const isText = typeof data === "string";
    const payload = isText
      ? new TextEncoder().encode(data)
      : new Uint8Array(data as ArrayBuffer);
    const bytes = this.#options.messages
      ? framed(isText ? Opcode.TEXT : Opcode.BINARY, payload)
      : payload;
    const queued = this.#queue.length + bytes.length;
    const { maxQueuedBytes } = this.#options;
    if (queued > maxQueuedBytes) {
      // A native socket cannot hold its peer.
      this.#queue.clear();
      this.abort(
        new RangeError(
          `Read from ${this.#socket.url}: ${queued} bytes wait for a reader, maxQueuedBytes is ${maxQueuedBytes}`,
        ),
      );
    } else this.#queue.write(bytes);
    this.#wakeReader();
  }

  #onOpen(): void {
    clearTimeout(this.#connectTimer);
    this.#wasOpen = true;
    this.#opened.resolve();
  }

  #onClose(event?: CloseEvent): void {
    clearTimeout(this.#connectTimer);
    const error = new Error(this.#whyClosed(event), this.#why);
    this.#opened.reject(error);
    if (event && this.#wasOpen && isOrderly(event.code)) this.#end();
    else this.#fail(error);
    this.#closed.resolve();
  }

  #whyClosed(event?: CloseEvent): string {
    const { url } = this.#socket;
    if (!event) return `Connect to ${url}: the socket is closed`;
    if (!this.#wasOpen) return `Connect to ${url}: the socket did not open`;
    if (!event.wasClean) return `Read from ${url}: the connection was cut`;
    const reason = JSON.stringify(event.reason);
    return `Read from ${url}: the peer has closed with ${event.code} ${reason}`;
  }

  #end(): void {
    this.#ended = true;
    this.#wakeReader();
  }

  #fail(reason: unknown): void {
    if (this.#ended) return;
    this.#failure = { reason };
    this.#opened.reject(reason);
    this.#end();
  }

  /** Sends each message whose frame is whole; the rest waits for its bytes. */
  #sendMessages(bytes: Uint8Array): void {
    this.#hold(bytes);
    let start = 0;
    for (;;) {
      const rest = this.#outgoing.subarray(start, this.#held);
      const header = parseHeader(rest);
      const end = header ? header.size + header.length : Infinity;
      if (!header || rest.length < end) break;
      // A copy: the socket may send it later.
      const payload = rest.slice(header.size, end);
      this.#socket.send(
        header.opcode === Opcode.TEXT
          ? new TextDecoder().decode(payload)
          : payload,
      );
      start += end;
    }
    this.#outgoing.copyWithin(0, start, this.#held);
    this.#held -= start;
  }

  /** Appends bytes; doubling keeps the time linear. */
  #hold(bytes: Uint8Array): void {
    const length = this.#held + bytes.length;
    if (length > this.#outgoing.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(this.#outgoing.subarray(0, this.#held));
      this.#outgoing = larger;
    }
    this.#outgoing.set(bytes, this.#held);
    this.#held = length;
  }
}

function framed(opcode: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(10 + payload.length);
  const { length } = payload;
  const size = writeHeader(bytes, {
    ...{ fin: true, opcode, length, mask: undefined },
  });
  bytes.set(payload, size);
  return bytes.subarray(0, size + length);
}
