import type { TlsInfo } from "./tls_info.ts";

export type { PeerCertificate, TlsInfo } from "./tls_info.ts";

/** The address of an end of a TCP or TLS connection. */
export interface NetAddress {
  /** The transport. */
  readonly transport: "tcp" | "tls";
  /** A name or an IP address; IPv6 without brackets. */
  readonly hostname: string;
  /** From 0 to 65535. */
  readonly port: number;
}

/** The address of a Unix socket; the path of an end without a name is empty. */
export interface UnixAddress {
  /** The transport. */
  readonly transport: "unix";
  /** A file, or `@` and a name in the abstract namespace. */
  readonly path: string;
}

/** The address of a connection within this process. */
export interface MemoryAddress {
  /** The transport. */
  readonly transport: "memory";
  /** A label for errors and logs. */
  readonly name: string;
}

/** The address of a WebSocket. */
export interface WebSocketAddress {
  /** The transport: over TCP, or over TLS. */
  readonly transport: "ws" | "wss";
  /** A name or an IP address; IPv6 without brackets. */
  readonly hostname: string;
  /** From 0 to 65535. */
  readonly port: number;
  /** The path, which begins with a slash. */
  readonly path: string;
}

/** The address of a socket between a virtual machine and its host. */
export interface VsockAddress {
  /** The transport. */
  readonly transport: "vsock";
  /** The machine; 2 is the host. */
  readonly cid: number;
  /** From 0 to 4294967295. */
  readonly port: number;
}

/** The address of a child process, whose standard input and output are used. */
export interface StdioAddress {
  /** The transport. */
  readonly transport: "stdio";
  /** The program. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
}

/**
 * An address of a transport that this module does not know. `toString()` prints
 * it in the address grammar; other properties are the transport's own.
 */
export interface OtherAddress {
  /** The name of the transport. */
  readonly transport: string;
  /** The address in the address grammar. */
  toString(): string;
}

/**
 * The place of an end of a connection, or of a listener. Transports of
 * your own bring addresses of their own: see {@linkcode OtherAddress}.
 */
export type Address =
  | NetAddress
  | UnixAddress
  | MemoryAddress
  | WebSocketAddress
  | VsockAddress
  | StdioAddress
  | OtherAddress;

/** Options of every method that waits. */
export interface WaitOptions {
  /**
   * Ends the wait: the promise rejects with the signal's reason. Once the wait
   * is over, no listener is left on the signal.
   *
   * @default {undefined}
   */
  signal?: AbortSignal | undefined;
}

/** A pair of streams, as a process, a `TransformStream` or a socket has one. */
export interface StreamPair {
  /** The bytes that the peer sends. */
  readonly readable: ReadableStream<Uint8Array>;
  /** The bytes that we send. */
  readonly writable: WritableStream<Uint8Array>;
}

/**
 * Two independent directions of bytes.
 *
 * The peer's end of writing is the end of our reading and nothing more: our
 * writing goes on. The caller that got the connection owns it, and ends it with
 * `close()` or `abort()`. When both directions have ended, it is released by itself.
 *
 * There are two ways to use each direction: `read()` and `write()`, and the
 * streams. They may alternate, but not overlap: a second `read()` while one is
 * pending, or a `read()` while `readable` is locked, rejects with a `TypeError`
 * and changes nothing. The same holds for `write()`, `closeWrite()` and
 * `writable`.
 *
 * @typeParam A The address of its ends.
 */
export interface Connection<A extends Address = Address>
  extends AsyncDisposable {
  /** The bytes that the peer sends. A byte stream: BYOB readers work. */
  readonly readable: ReadableStream<Uint8Array>;
  /**
   * The bytes that we send. When a write's promise resolves, the transport has taken all
   * of the chunk, and its buffer can be used again. `close()` ends our writing.
   *
   * `abort()`, also by a `pipeTo()` from a source that fails, is the same as
   * {@linkcode Connection.abort}: it never looks like an orderly end to a peer
   * whose transport can tell the two apart (TLS, memory). TCP and Unix sockets
   * cannot: a peer that only reads sees an end.
   */
  readonly writable: WritableStream<Uint8Array>;
  /**
   * Reads some bytes into the front of the buffer.
   *
   * @returns The number of bytes, or `null` at the end.
   * @throws {TypeError} `into` is not a `Uint8Array`, another read is pending, or
   * `readable` is locked.
   */
  read(into: Uint8Array): Promise<number | null>;
  /**
   * Writes all of the bytes. When the promise resolves, the transport has taken
   * them, and their buffer can be used again.
   *
   * @throws {TypeError} `bytes` is not a `Uint8Array`, another write is pending,
   * or `writable` is locked.
   */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Ends our writing, after the writes made so far; reading goes on. Idempotent.
   *
   * @throws {TypeError} `writable` is locked.
   */
  closeWrite(): Promise<void>;
  /**
   * Settles when everything is released: fulfils after `close()`, rejects with
   * the reason of `abort()`. It never counts as an unhandled rejection.
   */
  readonly closed: Promise<void>;
  /** Our end. */
  readonly localAddress: A;
  /** The peer's end. */
  readonly remoteAddress: A;
  /** The facts of TLS; `undefined` on a connection without TLS. */
  readonly tls?: TlsInfo | undefined;
  /**
   * Ends the connection in an orderly way: finishes the writes, ends writing,
   * and releases everything. Nothing that was written is lost. Idempotent; a
   * read that is pending sees the end.
   */
  close(): Promise<void>;
  /**
   * Ends the connection at once: pending and later reads and writes reject with
   * the reason itself. Idempotent.
   *
   * @param reason By default a `DOMException` named `AbortError`.
   */
  abort(reason?: unknown): void;
}

/**
 * A bound address that connections arrive at. Iterating it accepts one after
 * the other until it is closed. A passing shortage of the system, such as of file
 * descriptors, rejects an `accept()` and only delays an iteration.
 *
 * @typeParam A Its address.
 */
export interface Listener<A extends Address = Address>
  extends AsyncIterable<Connection<A>>, AsyncDisposable {
  /** The real address: for port 0, with the port that the system has given. */
  readonly address: A;
  /**
   * Waits for the next connection. An aborted wait loses none: a connection that
   * arrives later goes to the next `accept()`.
   */
  accept(options?: WaitOptions): Promise<Connection<A>>;
  /**
   * Stops listening: accepts that wait reject, and an iteration ends.
   * When the promise resolves, the address can be bound again. Idempotent.
   */
  close(): Promise<void>;
}

/**
 * A way for two ends to meet: plain data with two methods.
 *
 * @typeParam A The addresses of its connections and listeners.
 */
export interface Transport<A extends Address = Address> {
  /** Connects to the address. An aborted attempt leaves nothing open. */
  connect(options?: WaitOptions): Promise<Connection<A>>;
  /** Binds the address and listens at it. */
  listen(options?: WaitOptions): Promise<Listener<A>>;
  /** The address in the address grammar, such as `tcp://127.0.0.1:4444`. */
  toString(): string;
}
