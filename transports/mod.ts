/**
 * Ways for two ends to meet: each gives connections of two independent
 * directions of bytes, with backpressure, half-close, and an end to every wait.
 *
 * @example An echo, over any transport
 * ```ts
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * const transport = memory(); // or tcp(…), unix(…), tls(…)
 * await using listener = await transport.listen();
 * await using client = await transport.connect();
 * await using server = await listener.accept();
 * const echo = server.readable.pipeTo(server.writable);
 *
 * const writer = client.writable.getWriter();
 * await writer.write(new TextEncoder().encode("Is anybody there?"));
 * await writer.close(); // ends our writing; reading goes on
 * assertEquals(
 *   await new Response(client.readable).text(),
 *   "Is anybody there?",
 * );
 * await echo;
 * ```
 *
 * @module
 */
export { formatAddress, type KnownAddress, parseAddress } from "./address.ts";
export { fromStreams, type FromStreamsOptions } from "./from_streams.ts";
export { memory } from "./memory.ts";
export { type MemoryOptions, memoryPair } from "./memory_pair.ts";
export { ownStdio } from "./own_stdio.ts";
export { parseTransport } from "./parse_transport.ts";
export { stdio, type StdioOptions } from "./stdio.ts";
export { tcp, type TcpOptions } from "./tcp.ts";
export { acceptTls, type AcceptTlsOptions } from "./accept_tls.ts";
export { relay } from "./relay.ts";
export type * from "./relay_options.ts";
export { startTls, type StartTlsOptions } from "./start_tls.ts";
export { tls } from "./tls.ts";
export type { TlsIdentity, TlsOptions } from "./tls_options.ts";
export { fromWebSocket, type FromWebSocketOptions } from "./from_web_socket.ts";
export * from "./transport.ts";
export { unix, type UnixOptions } from "./unix.ts";
export { webSocket, type WebSocketConnection } from "./web_socket.ts";
export type { WebSocketOptions } from "./web_socket_options.ts";
export { vsock, type VsockOptions } from "./vsock.ts";
