/**
 * Tools to test a transport, a codec or a protocol of your own.
 *
 * @example A client, and a server that follows a script
 * ```ts
 * import { scriptedPeer } from "@parley/parley/testing";
 * import { lines, Peer } from "@parley/parley/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = scriptedPeer([
 *   { expect: "time?\n" },
 *   { send: "noon\n" },
 * ]);
 * await using client = new Peer<string>({ codec: lines });
 * await client.connect(server.connection);
 * await client.send("time?");
 * assertEquals((await client[Symbol.asyncIterator]().next()).value, "noon");
 * ```
 *
 * @module
 */
export type {
  Address,
  Connection,
  Listener,
  MemoryAddress,
  NetAddress,
  OtherAddress,
  PeerCertificate,
  StdioAddress,
  StreamPair,
  TlsInfo,
  Transport,
  UnixAddress,
  VsockAddress,
  WaitOptions,
  WebSocketAddress,
} from "../transports/mod.ts";
export type {
  Codec,
  CodecInput,
  CodecOptions,
  CodecOutput,
  DecodeError,
  DecodeErrorOptions,
  Endianness,
  ParleyError,
  ProtocolError,
  Varint,
} from "../protocol/mod.ts";
export * from "./test_transport.ts";
export * from "./test_transport_options.ts";
export * from "./transport_under_test.ts";
export * from "./codec_case.ts";
export * from "./test_codec.ts";
export * from "./fault_plan.ts";
export * from "./faulty.ts";
export * from "./script.ts";
export * from "./scripted_peer.ts";
