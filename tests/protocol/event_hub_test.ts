import { assertEquals } from "@std/assert";
import { EventHub } from "../../protocol/mod.ts";
import { UncaughtErrors } from "../support/uncaught_errors.ts";
import { rejection } from "../../testing/_util/rejection.ts";

Deno.test("onClosed of EventHub.listen() is called once, however the queue ends", () => {
  const hub = new EventHub<string>((event) => event);
  const ended: string[] = [];
  const aborted = new AbortController();
  const listen = (how: string, signal?: AbortSignal) =>
    hub.listen(undefined, { signal, onClosed: () => void ended.push(how) });
  const closed = listen("closed");
  listen("aborted", aborted.signal);
  listen("ended");
  listen("late", AbortSignal.abort());
  assertEquals(ended, ["late"]);
  closed.close();
  closed.close();
  aborted.abort();
  hub.end(undefined);
  hub.end(undefined);
  assertEquals(ended, ["late", "closed", "aborted", "ended"]);
});

Deno.test("EventHub hands nothing more to a queue that is closed", () => {
  const hub = new EventHub<string>((event) => event);
  const closed = hub.listen();
  const open = hub.listen();
  closed.close();
  hub.dispatch("tick");
  assertEquals([closed.clear(), open.clear()], [[], ["tick"]]);
});

Deno.test("EventHub counts its queues, and fails all of them at once", async () => {
  const hub = new EventHub<string>((event) => event);
  const sizes: number[] = [];
  const onClosed = () => void sizes.push(hub.size);
  const queues = [1, 2, 3].map(() => hub.listen(undefined, { onClosed }));
  assertEquals(hub.size, 3);
  queues[0]?.close();
  const cause = new Error("refused");
  hub.fail(cause);
  assertEquals(sizes, [2, 1, 0]);
  for (const queue of queues.slice(1)) {
    assertEquals(await rejection(queue.next()), cause);
  }
});

Deno.test("an onClosed() that throws keeps no queue from its end, and is reported", async () => {
  using uncaught = new UncaughtErrors();
  const hub = new EventHub<string>((event) => event);
  const onClosed = () => {
    throw new Error("a mistake");
  };
  const queues = [1, 2].map(() => hub.listen(undefined, { onClosed }));
  const waits = queues.map((queue) => rejection(queue.next()));
  const cause = new Error("refused");
  hub.fail(cause);
  assertEquals(await Promise.all(waits), [cause, cause]);
  await uncaught.count(2);
});
