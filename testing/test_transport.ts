import { channelLaws } from "./_laws/channel.ts";
import { endLaws } from "./_laws/ends.ts";
import { flowLaws } from "./_laws/flow.ts";
import { streamLaws } from "./_laws/streams.ts";
import { listenerLaws } from "./_laws/listeners.ts";
import { meet } from "./_laws/meet.ts";
import { Suite } from "./_laws/suite.ts";
import type { TestTransportOptions } from "./test_transport_options.ts";
import type { MakePair, TransportUnderTest } from "./transport_under_test.ts";

/**
 * Registers a test for each law of transports: the conformance suite.
 * The tests are those of Deno, or of `node:test` in Node and Bun.
 *
 * Of a transport it tests the connections and the listeners; of a function that
 * makes two ends of a connection, the connections alone. Every test has a
 * connection of its own, ends it by `abort()`, and waits for its `closed`; it may
 * leave no operation and no resource behind. A test that is stuck fails after
 * 5 s. Each failure says what was expected. At the end the suite prints how much
 * was checked, and how many laws are not applicable.
 *
 * @param name The name that the tests begin with.
 * @param subject Makes the two ends of a connection (first the one that has
 * connected, then the one that has accepted), or the transports to listen and to
 * connect with.
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
  { lacks = [] }: TestTransportOptions = {},
): void {
  const suite = typeof subject === "function"
    ? new Suite(name, subject, [...lacks, "listener"])
    : new Suite(name, () => meet(subject), lacks);
  flowLaws(suite);
  endLaws(suite);
  channelLaws(suite);
  streamLaws(suite);
  listenerLaws(suite, typeof subject === "function" ? undefined : subject);
}
