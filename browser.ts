/**
 * Parley in a browser: all of `mod.ts` but `relay()` and what needs the sockets,
 * processes or TLS of a system. `fromWebSocket()` reaches a server, and `memory()`
 * runs both ends in one page.
 *
 * @example QMP over a WebSocket
 * ```ts
 * import { fromWebSocket, QMPClient } from "@parley/parley/browser";
 * import { formatAddress, QMPServer, webSocket } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * // On a server: a machine, or relay() from a webSocket() to its socket.
 * await using machine = new QMPServer({
 *   commands: { "query-status": () => ({ running: true, status: "running" }) },
 * });
 * const listener = await webSocket({ url: "ws://127.0.0.1:0/" }).listen();
 * machine.serve(listener);
 *
 * // In a page.
 * await using client = new QMPClient();
 * const socket = new WebSocket(formatAddress(listener.address));
 * await client.connect(fromWebSocket(socket));
 * assertEquals(await client.execute("query-status"), {
 *   running: true,
 *   status: "running",
 * });
 * ```
 *
 * @module
 */
export {
  formatAddress,
  type KnownAddress,
  parseAddress,
} from "./transports/address.ts";
export {
  fromStreams,
  type FromStreamsOptions,
} from "./transports/from_streams.ts";
export {
  fromWebSocket,
  type FromWebSocketOptions,
} from "./transports/from_web_socket.ts";
export { memory } from "./transports/memory.ts";
export { type MemoryOptions, memoryPair } from "./transports/memory_pair.ts";
export * from "./transports/transport.ts";
export * from "./protocol/mod.ts";
export * from "./jsonrpc/mod.ts";
export * from "./qmp/mod.ts";
// The one for every protocol; the one with QMP's listeners is in qmp/mod.ts.
export { reconnecting } from "./protocol/mod.ts";
