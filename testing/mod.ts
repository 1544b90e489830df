/**
 * What it takes to test a transport, a codec or a protocol of one's own.
 *
 * @example A transport that keeps every promise
 * ```ts ignore
 * import { testTransport } from "@parley/parley/testing";
 * import { memory } from "@parley/parley/transports";
 *
 * let transport = memory();
 * testTransport("memory", {
 *   server: (address) => address ? transport : transport = memory(),
 *   client: () => transport,
 * });
 * ```
 *
 * @module
 */
export type {
  Address,
  Connection,
  Listener,
  Transport,
  WaitOptions,
} from "../transports/mod.ts";
export type {
  Codec,
  CodecOptions,
  ReadBuffer,
  WriteBuffer,
} from "../protocol/mod.ts";
export * from "./test_transport.ts";
export * from "./transport_under_test.ts";
export * from "./codec_case.ts";
export * from "./test_codec.ts";
export * from "./fault_plan.ts";
export * from "./faulty.ts";
