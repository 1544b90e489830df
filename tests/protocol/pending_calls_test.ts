import {
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import {
  CallError,
  CallInterruptedError,
  CallTimeoutError,
  PendingCalls,
} from "../../protocol/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { runDeno } from "../support/program.ts";
import { UncaughtErrors } from "../support/uncaught_errors.ts";
import { VirtualTime } from "../support/virtual_time.ts";

Deno.test("a reply settles the call with its id, and no other", async () => {
  const calls = new PendingCalls<string>();
  const [one, two] = [calls.open(), calls.open()];
  assertEquals([one.id, two.id, calls.size], [1, 2, 2]);
  assertEquals(calls.resolve(two.id, "second"), true);
  assertEquals(calls.reject(one.id, new Error("refused")), true);
  assertEquals(await two.promise, "second");
  await assertRejects(() => one.promise, Error, "refused");
  assertEquals(calls.size, 0);
  assertEquals(calls.resolve(one.id, "again"), false);
  assertEquals(calls.reject(99, new Error("unknown")), false);
});

Deno.test("an id of the caller is used, and refused while its call is pending", () => {
  const calls = new PendingCalls<string, string>();
  assertEquals(calls.open({ id: "constructor" }).id, "constructor");
  assertThrows(
    () => calls.open({ id: "constructor" }),
    TypeError,
    "id is constructor: a call with this id waits already",
  );
  assertEquals(calls.resolve("__proto__", "no"), false);
  assertEquals(calls.resolve("constructor", "yes"), true);
});

Deno.test("ids begin at 1 again after maxId, and leave out those that wait", () => {
  const calls = new PendingCalls<string>({ maxId: 3 });
  assertEquals([1, 2, 3].map(() => calls.open().id), [1, 2, 3]);
  const error = assertThrows(() => calls.open({ method: "GET" }), CallError);
  assertEquals(error.message, 'Call "GET": all ids are taken: maxId is 3');
  assertEquals([error.method, error.sent], ["GET", false]);
  calls.resolve(2, "two");
  assertEquals(calls.open().id, 2);
  calls.resolve(1, "one");
  calls.resolve(3, "three");
  assertEquals([calls.open().id, calls.open().id], [3, 1]);
  calls.end(new Error("over"));
});

Deno.test("a maxId that is not a positive integer is refused", () => {
  for (const maxId of [0, 1.5, NaN, Infinity]) {
    assertThrows(() => new PendingCalls({ maxId }), RangeError, "maxId is");
  }
});

Deno.test("first() returns the calls in the order in which they were opened", () => {
  const calls = new PendingCalls<number>();
  const opened = [calls.open(), calls.open(), calls.open()];
  for (const call of opened) {
    assertStrictEquals(calls.first(), call);
    calls.resolve(call.id, 0);
  }
  assertEquals(calls.first(), undefined);
});

Deno.test("an aborted call keeps its place, and its late reply is dropped", async () => {
  const calls = new PendingCalls<string>();
  const controller = new AbortController();
  const reason = new Error("no longer needed");
  const given = calls.open({ signal: controller.signal });
  const next = calls.open();
  controller.abort(reason);
  assertStrictEquals(await rejection(given.promise), reason);
  assertEquals(calls.size, 1);
  for (const reply of ["late", "in time"]) {
    const { id = 0 } = calls.first() ?? {};
    assertEquals(calls.resolve(id, reply), true);
  }
  assertEquals(await next.promise, "in time");
  assertEquals(calls.first(), undefined);
});

Deno.test("the error of a call past its deadline has the method, the time, and that it was sent", async () => {
  const calls = new PendingCalls<string>();
  const slow = calls.open({ method: "freeze", timeout: 20 });
  const held = calls.open({ method: "thaw", timeout: 10 });
  held.sent = false;
  const error = await rejection(held.promise);
  assertInstanceOf(error, CallTimeoutError);
  assertEquals(error.message, 'Call "thaw": no reply within 10 ms');
  assertEquals([error.method, error.sent], ["thaw", false]);
  const later = await rejection(slow.promise);
  assertInstanceOf(later, CallTimeoutError);
  assertEquals([later.method, later.sent], ["freeze", true]);
  assertEquals(calls.size, 0);
});

Deno.test("a deadline that is earlier than a pending one is met", async () => {
  const calls = new PendingCalls<string>();
  const long = calls.open({ timeout: 2 ** 31 - 1 });
  const short = calls.open({ timeout: 1 });
  assertInstanceOf(await rejection(short.promise), CallTimeoutError);
  assertEquals(calls.resolve(long.id, "done"), true);
});

Deno.test("the end of the session interrupts every call, with its cause", async () => {
  const calls = new PendingCalls<string>();
  const cause = new Error("the cable is cut");
  const call = calls.open({ method: "eject", timeout: 60_000 });
  calls.end(cause);
  const error = await rejection(call.promise);
  assertInstanceOf(error, CallInterruptedError);
  assertStrictEquals(error.cause, cause);
  assertEquals([error.method, error.sent], ["eject", true]);
  assertEquals(calls.size, 0);
  assertEquals(calls.resolve(call.id, "late"), false);
});

Deno.test("with an aborted signal, no call is registered", () => {
  const calls = new PendingCalls<string>();
  const reason = new Error("too late");
  const open = () => calls.open({ signal: AbortSignal.abort(reason) });
  assertStrictEquals(assertThrows(open), reason);
  assertEquals(calls.size, 0);
  assertEquals(calls.first(), undefined);
});

Deno.test("a request that cannot be encoded removes its call", async () => {
  const calls = new PendingCalls<string>();
  const error = new TypeError("Cannot encode");
  const bad = calls.open();
  const good = calls.open();
  assertStrictEquals(
    await rejection(calls.track(bad, Promise.reject(error))),
    error,
  );
  assertStrictEquals(calls.first(), good);
  calls.resolve(good.id, "yes");
  assertEquals(await calls.track(good, Promise.resolve()), "yes");
});

Deno.test("forget() removes an aborted call, and no other", async () => {
  const calls = new PendingCalls<string>();
  const controller = new AbortController();
  const given = calls.open({ signal: controller.signal });
  calls.forget(given.id);
  assertEquals(calls.has(given.id), true);
  controller.abort();
  await rejection(given.promise);
  calls.forget(given.id);
  assertEquals(calls.has(given.id), false);
});

Deno.test("with 65,536 aborted calls without a reply, the next call is refused", async () => {
  const calls = new PendingCalls<string>();
  const controller = new AbortController();
  for (let i = 0; i < 65_536; i++) {
    calls.open({ id: i, signal: controller.signal });
  }
  controller.abort();
  const error = assertThrows(() => calls.open({ method: "x" }), CallError);
  assertEquals(error.sent, false);
  assertEquals(calls.resolve(0, "late"), true);
  calls.resolve(calls.open().id, "answered");
  await Promise.resolve();
  calls.end(undefined);
});

Deno.test("after 100,000 calls, none is held", async () => {
  const calls = new PendingCalls<number>();
  const { signal } = new AbortController();
  for (let i = 0; i < 100_000; i++) {
    const call = calls.open({ signal, timeout: 60_000 });
    calls.resolve(call.id, i);
    assertEquals(await call.promise, i);
  }
  assertEquals(calls.size, 0);
  assertEquals(calls.first(), undefined);
});

Deno.test("first() of 100,000 calls takes about as long as a lookup by id", () => {
  const time = (answer: (calls: PendingCalls<number>, id: number) => void) => {
    const calls = new PendingCalls<number>();
    for (let id = 1; id <= 100_000; id++) calls.open({ id });
    const start = performance.now();
    for (let id = 1; id <= 100_000; id++) answer(calls, id);
    assertEquals(calls.size, 0);
    return performance.now() - start;
  };
  const byId = time((calls, id) => calls.resolve(id, 0));
  const inOrder = time((calls, id) => {
    const first = calls.first();
    assertStrictEquals(calls.first(), first);
    calls.resolve(first?.id ?? 0, id);
  });
  console.log(`in order: ${(inOrder / byId).toFixed(1)} times by id`);
  assertLess(inOrder, 20 * byId);
});

Deno.test("first() is the oldest pending call, whatever calls were opened, answered or ended", () => {
  const steps = fc.array(fc.oneof(
    fc.constant("open" as const),
    fc.constant("first" as const),
    fc.constant("end" as const),
    fc.nat(20),
  ));
  fc.assert(fc.property(steps, (steps) => {
    const calls = new PendingCalls<number>();
    let open: number[] = [];
    for (const step of [...steps, "first"]) {
      if (step === "open") open.push(calls.open().id);
      else if (step === "end") {
        calls.end(undefined);
        open = [];
      } else if (step === "first") assertEquals(calls.first()?.id, open[0]);
      else {
        calls.resolve(Number(step), 0);
        open = open.filter((id) => id !== step);
      }
    }
    calls.end(undefined);
  }));
});

Deno.test("calls with deadlines, one after another, set one timer and leave none", async () => {
  const calls = new PendingCalls<number>();
  const { setTimeout } = globalThis;
  let timers = 0;
  globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
    timers++;
    return setTimeout(...args);
  }) as typeof setTimeout;
  try {
    for (let n = 0; n < 1000; n++) {
      const { id, promise } = calls.open({ timeout: 60_000 });
      calls.resolve(id, n);
      assertEquals(await promise, n);
    }
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  assertEquals(timers, 1);
});

Deno.test("the earlier of timeout and totalTimeout is the deadline, also if one of them is not given", async () => {
  for (
    const options of [
      { timeout: 60_000, totalTimeout: 10 },
      { timeout: Infinity, totalTimeout: 10 },
      { totalTimeout: 10 },
      { timeout: 10, totalTimeout: 60_000 },
      { timeout: 10, totalTimeout: Infinity },
    ]
  ) {
    const calls = new PendingCalls<string>();
    const { promise } = calls.open({ method: "wait", ...options });
    const error = await rejection(promise);
    assertInstanceOf(error, CallTimeoutError);
    assertEquals(error.message, 'Call "wait": no reply within 10 ms');
  }
});

Deno.test("progress does not extend a call past its totalTimeout, and the error names the whole time", async () => {
  const calls = new PendingCalls<string>();
  const call = calls.open({ method: "wait", timeout: 20, totalTimeout: 50 });
  const extending = setInterval(() => calls.extend(call.id), 2);
  const error = await rejection(call.promise);
  clearInterval(extending);
  assertInstanceOf(error, CallTimeoutError);
  assertEquals(error.message, 'Call "wait": no reply within 50 ms');
});

Deno.test("a timeout may exceed the range of a timer, and Infinity means no deadline", async () => {
  using time = new VirtualTime();
  const calls = new PendingCalls<string>();
  const endless = calls.open({ timeout: Infinity, totalTimeout: Infinity });
  assertEquals(time.waiting, 0);
  const long = calls.open({ timeout: 2 ** 32 });
  assertEquals(time.waiting, 1);
  time.pass(2 ** 31 - 1);
  assertEquals([time.waiting, calls.size], [1, 2]);
  calls.resolve(endless.id, "endless");
  calls.resolve(long.id, "long");
  assertEquals(await endless.promise, "endless");
  for (const timeout of [-1, NaN]) {
    assertThrows(() => calls.open({ timeout }), RangeError, "timeout is");
    assertThrows(
      () => calls.open({ totalTimeout: timeout }),
      RangeError,
      "totalTimeout is",
    );
  }
});

Deno.test("an onAbandoned() that throws harms no other call of its signal, and is reported", async () => {
  using uncaught = new UncaughtErrors();
  const told: number[] = [];
  const calls = new PendingCalls<string>({
    onAbandoned: ({ id }) => {
      told.push(id);
      throw new Error(`hook ${id}`);
    },
  });
  const { signal, abort } = abortable();
  const all = [1, 2, 3].map(() => calls.open({ signal }));
  abort(new Error("stop"));
  for (const { promise } of all) {
    await assertRejects(() => promise, Error, "stop");
  }
  assertEquals([told, calls.size], [[1, 2, 3], 0]);
  await uncaught.count(3);
  assertEquals(uncaught.messages, ["hook 1", "hook 2", "hook 3"]);
});

Deno.test("an onAbandoned() that throws harms no other deadline, earlier or later", async () => {
  using uncaught = new UncaughtErrors();
  const calls = new PendingCalls<string>({
    onAbandoned: ({ id }) => {
      throw new Error(`hook ${id}`);
    },
  });
  const all = [1, 1, 1, 30, 60].map((timeout) => calls.open({ timeout }));
  for (const { promise } of all) {
    assertInstanceOf(await rejection(promise), CallTimeoutError);
  }
  await uncaught.count(5);
  assertEquals(calls.size, 0);
});

Deno.test("every call of a signal is given up before onAbandoned() is called", () => {
  const sizes: number[] = [];
  const calls = new PendingCalls<string>({
    onAbandoned: () => void sizes.push(calls.size),
  });
  const { signal, abort } = abortable();
  for (let n = 0; n < 3; n++) calls.open({ signal });
  abort(new Error("stop"));
  assertEquals(sizes, [0, 0, 0]);
});

function abortable() {
  const controller = new AbortController();
  const { signal } = controller;
  return { signal, abort: (reason: unknown) => controller.abort(reason) };
}

Deno.test("a million calls leave no memory behind", async () => {
  const script = new URL("open_calls.ts", import.meta.url).href;
  const { stdout, stderr } = await runDeno([
    ...["run", "--allow-env", "--allow-read", "--v8-flags=--expose-gc"],
    script,
  ]);
  assertEquals(stderr, "");
  for (const [order, bytes] of Object.entries(JSON.parse(stdout))) {
    assertLess(bytes as number, 1_000_000, order);
  }
});
