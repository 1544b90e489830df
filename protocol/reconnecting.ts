import type { Listener, Transport } from "../transports/transport.ts";
import { Supervisor } from "./_reconnect/supervisor.ts";
import type { AsyncProtocol } from "./async_protocol.ts";
import type { Reconnection, ReconnectPolicy } from "./reconnection.ts";

/**
 * Connects a protocol, and again whenever its session fails or its peer ends it,
 * with pauses that grow. A protocol that is running already is looked after from
 * here on. With a listener, the peer has to connect again; the listener stays
 * open, and its owner's.
 *
 * Each session is a new one: it is negotiated anew. A session that ends in order
 * is the last. `disconnect()` is the end at any moment, also in a pause or while
 * a lost session ends. `disconnect({ reason })` makes the session or the attempt
 * fail with the reason, and another one may follow.
 *
 * @throws {StateError} The protocol is neither idle nor running, or `reconnecting()`
 * keeps it connected already.
 * @throws {TypeError} An argument or an option has the wrong type.
 * @throws {RangeError} A number of the policy is out of range.
 *
 * @example A client that outlives its server's sessions
 * ```ts
 * import { lines, Peer, reconnecting, serve } from "@parley/parley/protocol";
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * const transport = memory(); // or tcp({ hostname: "example.com", port: 7 })
 * const codec = () => lines();
 * await using server = serve(await transport.listen(), () => new Peer({ codec }));
 *
 * const client = new Peer({ codec });
 * await using connection = reconnecting(client, transport, {
 *   initialDelay: 10,
 *   onConnect: () => client.send("login"),
 * });
 * for (let n = 0; n < 3; n++) {
 *   await connection.connected();
 *   const [session] = server.sessions;
 *   assertEquals(await session?.receive(), "login");
 *   const lost = client.runstateChanged();
 *   await session?.disconnect();
 *   await lost;
 * }
 * ```
 */
export function reconnecting(
  protocol: AsyncProtocol<unknown, unknown>,
  to: Transport | Listener,
  policy: ReconnectPolicy = {},
): Reconnection {
  return new Supervisor(protocol, to, policy);
}
