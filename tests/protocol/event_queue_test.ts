import { assertEquals, assertRejects } from "@std/assert";
import { EndOfStreamError, EventQueue } from "../../protocol/mod.ts";

const FALSY = [0, "", false, null, undefined, NaN, 0n];

Deno.test("a falsy event is delivered to a wait, from the queue, and to an iteration", async () => {
  for (const event of FALSY) {
    const queue = new EventQueue<unknown>({ nameOf: () => "value" });
    const waiting = queue.next();
    queue.dispatch(event);
    queue.dispatch("between");
    queue.dispatch(event);
    queue.dispatch("last");
    assertEquals(await waiting, event);
    assertEquals(await queue.next("value"), "between");
    assertEquals(await queue.next(), event);
    queue.dispatch(event);
    queue.end(undefined);
    assertEquals(await Array.fromAsync(queue), ["last", event]);
    await assertRejects(() => queue.next(), EndOfStreamError);
  }
});

Deno.test("a falsy event is handed to an iteration that waits for it, and does not end it", async () => {
  for (const event of FALSY) {
    const queue = new EventQueue<unknown>({ nameOf: () => "value" });
    const read = Array.fromAsync(queue);
    queue.dispatch(event);
    queue.dispatch(event);
    await Promise.resolve();
    queue.dispatch(event);
    queue.end(undefined);
    assertEquals(await read, [event, event, event]);
  }
});
