import { channelLaws } from "./_laws/channel.ts";
import { endLaws } from "./_laws/ends.ts";
import { flowLaws } from "./_laws/flow.ts";
import { listenerLaws } from "./_laws/listeners.ts";
import { meet } from "./_laws/meet.ts";
import { Suite } from "./_laws/suite.ts";
import type { MakePair, TransportUnderTest } from "./transport_under_test.ts";

/**
 * Registers a test for each promise that transports make: the conformance suite.
 *
 * Of a transport it tests the connections and the listeners; of a function that
 * makes two ends of a connection, the connections alone. Every test has a
 * connection of its own, which it ends by `abort()`, and may leave no operation
 * and no resource behind. At the end it prints how much was checked.
 *
 * @param name What the tests are called by.
 * @param subject Makes the two ends of a connection (who connected, and who
 * accepted), or the transports to listen and to connect with.
 *
 * @example A transport, two ends with no transport, and one object for all
 * ```ts ignore
 * import { testTransport } from "@parley/parley/testing";
 * import { memory, memoryPair, tcp } from "@parley/parley/transports";
 *
 * testTransport("tcp", {
 *   server: (address) => tcp({ port: 0, ...address }),
 *   client: (address) => tcp({ port: 0, ...address }),
 * });
 *
 * testTransport("a pair in memory", () => memoryPair());
 *
 * let transport = memory();
 * testTransport("memory", {
 *   server: (address) => address ? transport : transport = memory(),
 *   client: () => transport,
 * });
 * ```
 */
export function testTransport(
  name: string,
  subject: MakePair | TransportUnderTest,
): void {
  const makePair = typeof subject === "function"
    ? subject
    : () => meet(subject);
  const suite = new Suite(name, makePair);
  flowLaws(suite);
  endLaws(suite);
  channelLaws(suite);
  if (typeof subject !== "function") listenerLaws(suite, subject);
}
