/**
 * JSON-RPC 2.0 over any transport: calls both ways, notifications, batches,
 * cancellation and progress.
 *
 * @example A server of one method, and its client
 * ```ts
 * import { JSONRPCPeer } from "@parley/parley/jsonrpc";
 * import { memoryPair } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * const [near, far] = memoryPair();
 * await using server = new JSONRPCPeer({
 *   methods: { echo: (params: unknown) => params },
 * });
 * await using client = new JSONRPCPeer();
 * await Promise.all([server.connect(far), client.connect(near)]);
 *
 * assertEquals(await client.request("echo", { text: "hello" }), {
 *   text: "hello",
 * });
 * await client.disconnect();
 * ```
 *
 * @module
 */
export type {
  CancellationDialect,
  CancellationName,
  ProgressDialect,
} from "./cancellation.ts";
export * from "./errors.ts";
export type * from "./messages.ts";
export type * from "./methods.ts";
export * from "./peer.ts";
export type * from "./peer_options.ts";
export * from "../protocol/mod.ts";
