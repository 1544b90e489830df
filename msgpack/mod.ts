/**
 * MessagePack: a codec of values, and MessagePack-RPC on the calls of JSON-RPC.
 *
 * @example Values of a peer
 * ```ts
 * import { msgpack } from "@parley/parley/msgpack";
 * import { memoryPair, Peer } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * const [near, far] = memoryPair();
 * await using alice = new Peer<unknown>({ codec: msgpack });
 * await using bob = new Peer<unknown>({ codec: msgpack });
 * await Promise.all([alice.connect(near), bob.connect(far)]);
 * await alice.send({ bytes: Uint8Array.of(1, 2, 3) });
 * assertEquals(await bob.receive(), { bytes: Uint8Array.of(1, 2, 3) });
 * ```
 *
 * @module
 */
export * from "./msgpack.ts";
export * from "./rpc_peer.ts";
export * from "../jsonrpc/mod.ts";
