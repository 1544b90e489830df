import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  EndOfStreamError,
  EventOverflowError,
  EventQueue,
  type EventQueueOptions,
} from "../../protocol/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";

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

/** A queue of numbers. */
function numbers(
  options: Partial<EventQueueOptions<number>> = {},
): EventQueue<number> {
  return new EventQueue<number>({ nameOf: () => "number", ...options });
}

Deno.test("an overflow drops the oldest event and counts it, or fails the queue", async () => {
  for (
    const [limits, bytes, said] of [
      [{ limit: 2 }, 0, "limit is 2, maxBytes is 8388608"],
      [{ maxBytes: 20 }, 10, "limit is 1024, maxBytes is 20"],
    ] as const
  ) {
    const dropping = numbers(limits);
    let closed = 0;
    const failing = numbers({
      ...limits,
      overflow: "fail",
      onClosed: () => closed++,
    });
    for (const queue of [dropping, failing]) {
      for (const n of [1, 2]) queue.dispatch(n, bytes);
      assertEquals([queue.dropped, queue.closed], [0, false]);
      for (const n of [3, 4]) queue.dispatch(n, bytes);
    }
    assertEquals([dropping.dropped, dropping.clear()], [2, [3, 4]]);
    assertEquals([failing.closed, closed, failing.dropped], [true, 1, 3]);
    const error = await rejection(failing.next());
    assertInstanceOf(error, EventOverflowError);
    const queued = 'Cannot queue event "number": too many wait to be read: ';
    assertEquals(error.message, queued + said);
    assertEquals(await rejection(Array.fromAsync(failing)), error);
  }
});

Deno.test("a queue that fails on overflow loses nothing while it is read", async () => {
  const queue = numbers({ limit: 1, overflow: "fail" });
  const read = Array.fromAsync(queue);
  for (let n = 0; n < 10; n++) {
    queue.dispatch(n);
    await Promise.resolve().then().then();
  }
  queue.end(undefined);
  assertEquals(await read, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("fail() drops the events, and its cause is what waits and iterations throw", async () => {
  const queue = numbers();
  const waiting = rejection(queue.next());
  const cause = new Error("refused");
  queue.fail(cause);
  queue.fail(new Error("later"));
  queue.dispatch(1);
  assertEquals(await waiting, cause);
  assertEquals(await rejection(queue.next()), cause);
  assertEquals(await rejection(Array.fromAsync(queue)), cause);
});

Deno.test("confirmedBy() gives the queue with all that came before, or closes it and rejects", async () => {
  const queue = numbers();
  const { promise, resolve } = Promise.withResolvers<void>();
  const confirmed = queue.confirmedBy(promise);
  queue.dispatch(1);
  assertEquals(queue.closed, false);
  resolve();
  assertEquals(await confirmed, queue);
  assertEquals(queue.clear(), [1]);

  let ends = 0;
  const refused = numbers({ onClosed: () => ends++ });
  refused.dispatch(1);
  const reason = new Error("No such channel");
  const confirmation = refused.confirmedBy(Promise.reject(reason));
  assertEquals(await rejection(confirmation), reason);
  assertEquals([refused.closed, ends], [true, 1]);
  assertEquals(refused.clear(), []);
});

Deno.test("overflow is one of two words", () => {
  assertThrows(
    () => numbers({ overflow: "block" as "drop" }),
    TypeError,
    'overflow is "block": it must be "drop" or "fail"',
  );
});

Deno.test("fail() after the end takes no event away", async () => {
  const queue = new EventQueue<number>({ nameOf: String });
  queue.dispatch(1);
  queue.end(undefined);
  queue.fail(new Error("too late"));
  assertEquals(await Array.fromAsync(queue), [1]);
});
