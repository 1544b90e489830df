import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { HandshakeQueue } from "../../../transports/_handshake/queue.ts";
import { memoryPair } from "../../../transports/mod.ts";

Deno.test("1,000 clients that arrive at once all finish a handshake of a few turns", async () => {
  const refused: unknown[] = [];
  const closed = Promise.withResolvers<number>();
  closed.promise.catch(() => {});
  const arrivals = Array.from({ length: 1000 }, (_, index) => index);
  const queue = new HandshakeQueue(
    {
      accept: () => Promise.resolve(arrivals.shift() ?? closed.promise),
      close: () => closed.reject(new Deno.errors.BadResource("closed")),
    },
    async (_, signal) => {
      for (let turn = 0; turn < 10; turn++) await setImmediate();
      signal.throwIfAborted();
      return memoryPair()[0];
    },
    (error) => refused.push(error),
  );
  for (let count = 0; count < 1000 - refused.length; count++) {
    (await queue.accept()).abort();
  }
  await queue.close();
  assertEquals(refused, []);
});
