import { JSONRPCPeer } from "../jsonrpc/peer.ts";
import type { AnyMethods } from "../jsonrpc/methods.ts";
import type { JSONRPCPeerOptions } from "../jsonrpc/peer_options.ts";
import { RPCCodec } from "./_codec/rpc_codec.ts";
import { msgpack } from "./msgpack.ts";

/** Options of a {@linkcode MsgpackRPCPeer}: the codec is fixed. */
export type MsgpackRPCPeerOptions<Local = AnyMethods> = Omit<
  JSONRPCPeerOptions<Local>,
  "codec" | "cancellation" | "maxBatch"
>;

/**
 * One end of a MessagePack-RPC session, such as with Neovim. It calls and answers
 * as a `JSONRPCPeer` does; params are always an array, and there are no batches
 * and no cancellation.
 *
 * An error response of the peer is a `JSONRPCError`. If the error is a number and
 * a text, these are its code and message; otherwise the error is its `data`. The
 * errors of handlers are sent in the same form. Neovim shows the message if the code
 * is 0 or 1 and there is no data, and "unknown error" otherwise.
 *
 * @example Two ends that call each other
 * ```ts
 * import { MsgpackRPCPeer } from "@parley/parley/msgpack";
 * import { memoryPair } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * const [near, far] = memoryPair();
 * await using server = new MsgpackRPCPeer({
 *   methods: { add: ([a, b]: [number, number]) => a + b },
 * });
 * await using client = new MsgpackRPCPeer({ timeout: 5_000 });
 * await Promise.all([server.connect(far), client.connect(near)]);
 * assertEquals(await client.request("add", [1, 2]), 3);
 * await client.disconnect();
 * ```
 */
export class MsgpackRPCPeer<Remote = AnyMethods, Local = Remote>
  extends JSONRPCPeer<Remote, Local> {
  /**
   * Makes a peer that is `idle`.
   *
   * @throws {TypeError} An option has the wrong type.
   * @throws {RangeError} A number is out of range.
   */
  constructor(options: MsgpackRPCPeerOptions<Local> = {}) {
    super({ ...options, codec: (limits) => new RPCCodec(msgpack(limits)) });
  }
}
