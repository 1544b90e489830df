import { ListeningRelay } from "./_relay/listening_relay.ts";
import { checkTimeout } from "./_util/validate.ts";
import type { Relay, RelayOptions } from "./relay_options.ts";
import type { Address, Listener, Transport } from "./transport.ts";

/**
 * Joins transports: for each connection that arrives at `from`, it dials `to` and
 * passes on the bytes, both ways.
 *
 * A half-close is passed on as a half-close, and a cut as a cut. There is
 * backpressure in each direction: 64 KiB are held. A listener that is handed over
 * is owned from then on.
 *
 * A connection that is cut before it has sent anything ends its dial at once. After
 * its first bytes it is not read until `to` is dialled, and only a read can tell of
 * a cut: it is noticed when the dial has ended, within `connectTimeout`.
 *
 * @throws {TypeError} `connectTimeout` is not a number.
 * @throws {RangeError} `connectTimeout` is out of range.
 * @throws What listening at `from` throws.
 *
 * @example From one address to another
 * ```ts
 * import { memory, relay, tcp } from "@parley/parley/transports";
 * import { lines, Peer } from "@parley/parley/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const behind = memory();
 * await using listener = await behind.listen();
 * await using joined = await relay(tcp({ port: 0 }), behind);
 *
 * await using server = new Peer<string>({ codec: lines });
 * await using client = new Peer<string>({ codec: lines });
 * await Promise.all([
 *   server.accept(listener),
 *   client.connect(tcp(joined.address)),
 * ]);
 * await client.send("hello");
 * assertEquals(await server.receive(), "hello");
 * assertEquals(joined.stats.bytesForward, 6);
 * ```
 */
export async function relay<A extends Address>(
  from: Transport<A> | Listener<A>,
  to: Transport,
  options: RelayOptions = {},
): Promise<Relay<A>> {
  const { signal, connectTimeout = 10_000 } = options;
  checkTimeout("connectTimeout", connectTimeout);
  signal?.throwIfAborted();
  const listener = "accept" in from ? from : await from.listen({ signal });
  return new ListeningRelay(listener, to, { ...options, connectTimeout });
}
