/**
 * QMP, the machine protocol of QEMU: a client for QEMU and its relatives, and a
 * server to stand in for them.
 *
 * @example A client and a server
 * ```ts
 * import { QMPClient, QMPServer } from "@parley/parley/qmp";
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new QMPServer({
 *   commands: {
 *     "query-status": () => ({ running: true, status: "running" }),
 *     stop: async (_, { server }) => {
 *       await server.emit("STOP");
 *     },
 *   },
 * });
 * const transport = memory(); // or unix({ path: "/run/vm.sock" }), tcp(…)
 * server.serve(await transport.listen());
 *
 * await using client = new QMPClient();
 * await client.connect(transport);
 * assertEquals(await client.execute("query-status"), {
 *   running: true,
 *   status: "running",
 * });
 * await client.execute("stop");
 * const { event } = await client.events.next("STOP");
 * assertEquals(event, "STOP");
 * await client.quit();
 * ```
 *
 * @module
 */
export { QMPClient } from "./client.ts";
export type * from "./client_options.ts";
export * from "./command.ts";
export * from "./errors.ts";
export type * from "./event_listener.ts";
export * from "./guest_agent_client.ts";
export type * from "./guest_agent_options.ts";
export type * from "./guest_agent_schema.ts";
export type * from "./guest_agent_values.ts";
export type * from "./job_status.ts";
export * from "./merge_events.ts";
export type * from "./messages.ts";
export * from "./reconnecting.ts";
export * from "./run_job.ts";
export type * from "./schema.ts";
export * from "./server.ts";
export type * from "./session.ts";
export * from "./wait_for_job.ts";
export {
  AsyncProtocol,
  CallError,
  CallInterruptedError,
  CallTimeoutError,
  ConnectError,
  EndOfStreamError,
  ParleyError,
  parse,
  ProtocolError,
  Runstate,
  StateError,
  stringify,
} from "../protocol/mod.ts";
export type {
  Address,
  AsyncProtocolOptions,
  ByteBudget,
  Codec,
  CodecInput,
  CodecOutput,
  Connection,
  DecodeError,
  DecodeErrorOptions,
  DisconnectOptions,
  Endianness,
  FromStreamsOptions,
  Listener,
  MemoryAddress,
  NetAddress,
  OpenCallOptions,
  OtherAddress,
  PeerCertificate,
  PendingCall,
  PendingCalls,
  PendingCallsOptions,
  ProtocolStats,
  Reconnection,
  ReconnectPolicy,
  ServeOptions,
  Server,
  StdioAddress,
  StreamPair,
  TlsInfo,
  Transport,
  UnixAddress,
  Varint,
  VsockAddress,
  WaitOptions,
  WebSocketAddress,
} from "../protocol/mod.ts";
