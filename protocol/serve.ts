import type { Address, Connection, Listener } from "../transports/transport.ts";
import { ListeningServer } from "./_server/listening_server.ts";
import { checkFunction, checkMember, checkNumber } from "./_util/validate.ts";
import type { AsyncProtocol } from "./async_protocol.ts";
import type { ServeOptions, Server } from "./server.ts";

/**
 * Serves every connection that comes to a listener with a session of its own,
 * and owns the listener and the sessions from then on.
 *
 * `create()` is called with each connection and gives a protocol that is `idle`:
 * it is connected, and when its session has ended it is brought back to `idle`.
 * A session that negotiates holds up no other, and neither does one that fails.
 * A failing `accept()` is tried again, after 5 ms at first and up to a second
 * later on, until the listener is closed.
 *
 * @throws {TypeError} `listener`, `create` or `onError` is something else.
 * @throws {RangeError} A number is out of range: `maxSessions` and `idleTimeout`
 * are 1 at least, a time has what a timer can wait at most, some 24 days.
 *
 * @example An echo server
 * ```ts
 * import { jsonLines, Peer, serve } from "@parley/parley/protocol";
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * class Echo extends Peer<string> {
 *   protected override onMessage(message: string) {
 *     return this.send(message);
 *   }
 * }
 *
 * const codec = () => jsonLines<string>();
 * const transport = memory();
 * await using server = serve(
 *   await transport.listen(),
 *   () => new Echo({ codec }),
 * );
 *
 * await using client = new Peer({ codec });
 * await client.connect(transport);
 * await client.send("hello");
 * for await (const answer of client) {
 *   assertEquals(answer, "hello");
 *   break;
 * }
 * await client.disconnect();
 * await server.shutdown();
 * ```
 */
export function serve<
  P extends AsyncProtocol<unknown, unknown>,
  A extends Address = Address,
>(
  listener: Listener<A>,
  create: (connection: Connection) => P,
  options: ServeOptions<P> = {},
): Server<P, A> {
  checkMember("listener", listener, ["accept"], "a Listener");
  checkFunction("argument", "create", create);
  const { signal, ...limits } = options;
  if (limits.onError) checkFunction("option", "onError", limits.onError);
  checkNumber("maxSessions", limits.maxSessions, 1, Infinity);
  checkNumber("idleTimeout", limits.idleTimeout, 1, Infinity);
  checkNumber("maxQueuedBytes", limits.maxQueuedBytes, 1, Infinity);
  checkNumber("shutdownTimeout", limits.shutdownTimeout, 0, Infinity);
  return new ListeningServer(listener, create, limits, signal);
}
