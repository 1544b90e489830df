import type { Connection, Transport } from "../transports/mod.ts";
import { wrongNumber } from "../transports/_util/validate.ts";
import { FaultSchedule, type WholePlan } from "./_faulty/schedule.ts";
import { faultyConnection } from "./_faulty/connection.ts";
import type { Fault, FaultPlan, InjectedFault } from "./fault_plan.ts";

const KINDS: readonly Fault[] = [
  "split",
  "delay",
  "stall",
  "truncate",
  "reset",
  "corrupt",
  "half-close",
];

/**
 * A transport over another whose connections have faults: those that are made
 * with `connect()` and those that its listeners accept.
 *
 * The faults follow from the seed, from the number of connections before, and
 * from the number of bytes that have passed. They do not depend on time or on the
 * sizes of chunks. So a run that has failed can be replayed: `toString()` and the
 * errors of faults show the seed.
 *
 * @throws {RangeError} A number is out of range, or `faults` is empty.
 * @throws {TypeError} A kind of fault is unknown, or a number has another type.
 *
 * @example A session that lives with splits and delays
 * ```ts
 * import { faulty } from "@parley/parley/testing";
 * import { jsonLines, Peer } from "@parley/parley/protocol";
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * let count = 0;
 * const transport = faulty(memory(), {
 *   seed: 42,
 *   faults: ["split", "delay"],
 *   every: 100,
 *   onFault: () => count++,
 * });
 * await using client = new Peer<number[]>({ codec: jsonLines });
 * await using server = new Peer<number[]>({ codec: jsonLines });
 * await using listener = await transport.listen();
 * await Promise.all([server.accept(listener), client.connect(transport)]);
 * const message = Array.from({ length: 1000 }, (_, i) => i);
 * await client.send(message);
 * assertEquals((await server[Symbol.asyncIterator]().next()).value, message);
 * console.log(`${transport}: ${count} faults`);
 * ```
 */
export function faulty(transport: Transport, plan: FaultPlan = {}): Transport {
  const whole = complete(plan);
  const made = { connect: 0, accept: 0 };
  const spoil = (real: Connection, role: InjectedFault["role"]) => {
    const connection = made[role]++;
    const schedule = (direction: InjectedFault["direction"]) =>
      new FaultSchedule(whole, { role, connection, direction });
    return faultyConnection(real, {
      read: schedule("read"),
      write: schedule("write"),
      seed: whole.seed,
    });
  };
  return {
    async connect(options) {
      return spoil(await transport.connect(options), "connect");
    },
    async listen(options) {
      const listener = await transport.listen(options);
      return {
        address: listener.address,
        async accept(options) {
          return spoil(await listener.accept(options), "accept");
        },
        async *[Symbol.asyncIterator]() {
          for await (const real of listener) yield spoil(real, "accept");
        },
        close: () => listener.close(),
        [Symbol.asyncDispose]: () => listener.close(),
      };
    },
    toString: () => `${transport} with faults from seed ${whole.seed}`,
  };
}

function complete(plan: FaultPlan): WholePlan {
  const {
    seed = Math.floor(Math.random() * 2 ** 32),
    faults = KINDS,
    every = 4096,
    onFault = () => {},
  } = plan;
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw wrongNumber("seed", seed, "an integer from 0 to 2^32 - 1");
  }
  if (!Number.isSafeInteger(every) || every < 1) {
    throw wrongNumber("every", every, "a positive integer");
  }
  if (faults.length === 0) {
    throw new RangeError(
      "Cannot use the option: faults is empty: it must name a kind of fault",
    );
  }
  for (const fault of faults) {
    if (!KINDS.includes(fault)) {
      throw new TypeError(
        `Cannot use the option: faults has ${fault}: it must be ${
          KINDS.join(", ")
        }`,
      );
    }
  }
  return { seed, faults: [...faults], every, onFault };
}
