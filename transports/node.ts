/**
 * Transports for Node and Bun, over `node:net`, `node:tls` and
 * `node:child_process`. They have the options and make the promises of their
 * namesakes in `@parley/parley/transports`, which need Deno. All else there runs
 * in Node and Bun as it is: `memory()`, `fromStreams()`, `startTls()`, `relay()`.
 *
 * The errors of the system have the names that they have in Deno
 * (`error.name === "ConnectionRefused"`), and the code of Node is in their cause
 * (`ECONNREFUSED`). `docs/runtimes.md` lists what a runtime cannot do.
 *
 * @example QMP in Node
 * ```ts
 * import { unix } from "@parley/parley/transports/node";
 * import { QMPClient, QMPServer } from "@parley/parley/qmp";
 * import { assertEquals } from "@std/assert";
 *
 * const path = `${await Deno.makeTempDir()}/qmp`;
 * await using machine = new QMPServer({
 *   commands: { "query-status": () => ({ running: true, status: "running" }) },
 * });
 * machine.serve(await unix({ path }).listen());
 *
 * await using client = new QMPClient();
 * await client.connect(unix({ path }));
 * assertEquals(await client.execute("query-status"), {
 *   running: true,
 *   status: "running",
 * });
 * ```
 *
 * @module
 */
import { nodeSystem } from "./_node/node_system.ts";
import { stdioOf, type StdioOptions } from "./stdio.ts";
import { tcpOf, type TcpOptions } from "./tcp.ts";
import { tlsOf } from "./tls.ts";
import type { TlsOptions } from "./tls_options.ts";
import type {
  NetAddress,
  StdioAddress,
  Transport,
  WebSocketAddress,
} from "./transport.ts";
import { unixOf, type UnixOptions } from "./unix.ts";
import { type WebSocketConnection, webSocketOf } from "./web_socket.ts";
import type { WebSocketOptions } from "./web_socket_options.ts";

export * from "./transport.ts";
export type { TlsIdentity, TlsOptions } from "./tls_options.ts";
export type {
  StdioOptions,
  TcpOptions,
  UnixOptions,
  WebSocketConnection,
  WebSocketOptions,
};

/**
 * TCP over `node:net`. At most 512 connections wait for `accept()`, one more is
 * closed: Node takes connections as they come. `reusePort` needs Node 23.1 and is
 * refused with a `NotSupported` error before.
 *
 * @throws {TypeError} An option has the wrong type, or `hostname` is not a name or
 * an IP address.
 * @throws {RangeError} `port` is not an integer from 0 to 65535.
 *
 * @example One connection
 * ```ts
 * import { tcp } from "@parley/parley/transports/node";
 * import { toText } from "@std/streams";
 * import { assertEquals } from "@std/assert";
 *
 * await using listener = await tcp({ port: 0 }).listen();
 * await using client = await tcp(listener.address).connect();
 * await using server = await listener.accept();
 * await new Response("hello").body?.pipeTo(client.writable);
 * assertEquals(await toText(server.readable), "hello");
 * ```
 */
export function tcp(options: TcpOptions): Transport<NetAddress> {
  return tcpOf(nodeSystem, options);
}

/**
 * Unix sockets over `node:net`. Listening replaces a stale socket file, and no
 * other file. Node has no flock(2): if several processes replace one stale file
 * at the same moment, a client may find no file there for an instant,
 * and what a killed listener has left beside the file is removed by Deno alone.
 *
 * @throws {TypeError} An option has the wrong type, or `path` is empty or has a NUL
 * in it.
 * @throws {RangeError} `mode` is not an integer from 0 to 0o777.
 *
 * @example One connection
 * ```ts
 * import { unix } from "@parley/parley/transports/node";
 * import { toText } from "@std/streams";
 * import { assertEquals } from "@std/assert";
 *
 * const transport = unix({ path: `${await Deno.makeTempDir()}/socket` });
 * await using listener = await transport.listen();
 * await using client = await transport.connect();
 * await using server = await listener.accept();
 * await new Response("hello").body?.pipeTo(client.writable);
 * assertEquals(await toText(server.readable), "hello");
 * ```
 */
export function unix(options: UnixOptions): Transport {
  return unixOf(nodeSystem, options);
}

/**
 * TLS over {@linkcode tcp}, versions 1.2 and 1.3. Certificates are always
 * verified, by the same checks as in Deno.
 *
 * @throws {TypeError} An option has the wrong type or form.
 * @throws {RangeError} `port` or `handshakeTimeout` is out of its range.
 *
 * @example What a listener needs
 * ```ts
 * import { tls } from "@parley/parley/transports/node";
 * import { assertRejects } from "@std/assert";
 *
 * const listener = tls({ port: 0 });
 * await assertRejects(() => listener.listen(), TypeError, "cert is undefined");
 * ```
 */
export function tls(options: TlsOptions): Transport<NetAddress> {
  return tlsOf(nodeSystem, options);
}

/**
 * A child process as a transport, over `node:child_process`. Each `connect()`
 * starts the program; we write to its standard input and read from its standard
 * output.
 *
 * @throws {TypeError} An option has the wrong type, or `command` is empty.
 *
 * @example A program that gives back what it is sent
 * ```ts
 * import { stdio } from "@parley/parley/transports/node";
 * import { lines, Peer } from "@parley/parley/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * await using peer = new Peer({ codec: lines });
 * await peer.connect(stdio({ command: "cat" }));
 * await peer.send("hello");
 * assertEquals(await peer.receive(), "hello");
 * ```
 */
export function stdio(options: StdioOptions): Transport<StdioAddress> {
  return stdioOf(nodeSystem, options);
}

/**
 * WebSocket (RFC 6455) over {@linkcode tcp} or {@linkcode tls}, or over another
 * transport that `over` gives.
 *
 * @throws {TypeError} An option has the wrong type or form.
 * @throws {RangeError} `handshakeTimeout` is out of its range.
 *
 * @example A listener at a free port, and one client
 * ```ts
 * import { webSocket } from "@parley/parley/transports/node";
 * import { formatAddress } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * await using listener = await webSocket({ url: "ws://127.0.0.1:0/" }).listen();
 * const url = formatAddress(listener.address);
 * await using client = await webSocket({ url }).connect();
 * await using server = await listener.accept();
 * await client.write(new Uint8Array([1, 2, 3]));
 * assertEquals(await server.read(new Uint8Array(10)), 3);
 * ```
 */
export function webSocket(
  options: WebSocketOptions,
): Transport<WebSocketAddress> {
  return webSocketOf(nodeSystem, options);
}
