/**
 * Sessions that exchange messages, and the codecs that turn bytes into them.
 *
 * {@linkcode Peer} is ready to use; {@linkcode AsyncProtocol} is what a protocol
 * of one's own extends.
 *
 * @example Two ends talk in lines
 * ```ts
 * import { lines, Peer } from "@parley/parley/protocol";
 * import { memoryPair } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * const [near, far] = memoryPair();
 * await using alice = new Peer({ codec: lines });
 * await using bob = new Peer({ codec: lines });
 * await Promise.all([alice.connect(near), bob.connect(far)]);
 *
 * await alice.send("hello, Bob");
 * const { value } = await bob[Symbol.asyncIterator]().next();
 * assertEquals(value, "hello, Bob");
 * ```
 *
 * @module
 */
export { AsyncProtocol } from "./async_protocol.ts";
export type * from "./async_protocol_options.ts";
export * from "./byte_budget.ts";
export * from "./errors.ts";
export * from "./event_hub.ts";
export * from "./event_queue.ts";
export type * from "./listen_options.ts";
export * from "./peer.ts";
export type * from "./pending_call.ts";
export * from "./pending_calls.ts";
export * from "./reconnecting.ts";
export type * from "./reconnection.ts";
export { Runstate } from "./runstate.ts";
export * from "./serve.ts";
export type * from "./server.ts";
export type { ProtocolStats } from "./stats.ts";
export * from "./codecs/mod.ts";
export type {
  Address,
  Connection,
  Listener,
  MemoryAddress,
  NetAddress,
  OtherAddress,
  StdioAddress,
  StreamPair,
  Transport,
  UnixAddress,
  VsockAddress,
  WaitOptions,
  WebSocketAddress,
} from "../transports/transport.ts";
export type { FromStreamsOptions } from "../transports/from_streams.ts";
export type { PeerCertificate, TlsInfo } from "../transports/tls_info.ts";
