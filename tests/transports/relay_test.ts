import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
} from "@std/assert";
import { toBytes } from "@std/streams";
import {
  type Connection,
  type Listener,
  memory,
  memoryPair,
  relay,
  type RelayOptions,
  tcp,
  type Transport,
  unix,
} from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { noise } from "../../testing/_util/bytes.ts";
import { silent } from "../support/transports/silent_transport.ts";

/** The two ends of a connection through a relay. */
async function through(
  from: Transport,
  behind: Transport,
  options?: RelayOptions,
): Promise<
  & {
    near: Connection;
    far: Connection;
    joined: Awaited<ReturnType<typeof relay>>;
  }
  & AsyncDisposable
> {
  const listener: Listener = await behind.listen();
  const joined = await relay(from, behind, options);
  const dial = "port" in joined.address
    ? tcp(joined.address as { port: number })
    : from;
  const [near, far] = await Promise.all([dial.connect(), listener.accept()]);
  return {
    ...{ near, far, joined },
    async [Symbol.asyncDispose]() {
      await joined.close();
      await listener.close();
      near.abort();
      far.abort();
    },
  };
}

const folder = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

for (
  const [name, from, behind] of [
    ["memory to memory", () => memory(), () => memory()],
    [
      "TCP to Unix",
      () => tcp({ port: 0 }),
      () => unix({ path: `${folder}/s` }),
    ],
  ] as const
) {
  Deno.test(`relay, ${name}: megabytes arrive completely both ways, and each half-close separately`, async () => {
    await using ends = await through(from(), behind());
    const { near, far, joined } = ends;
    const forward = noise(3_000_000, 1);
    const back = noise(2_000_000, 2);
    const sent = near.write(forward).then(() => near.closeWrite());
    assertEquals(await toBytes(far.readable), forward);
    await sent;
    const answered = far.write(back).then(() => far.closeWrite());
    assertEquals(await toBytes(near.readable), back);
    await answered;
    await near.closed;
    const { bytesForward, bytesBack, failed } = joined.stats;
    assertEquals([bytesForward, bytesBack, failed], [3_000_000, 2_000_000, 0]);
  });
}

Deno.test("a slow reader slows the writer on the other side", async () => {
  await using ends = await through(memory(), memory());
  const { near, joined } = ends;
  let done = false;
  const writing = near.write(noise(4_000_000)).then(() => done = true);
  writing.catch(() => {});
  for (let turn = 0; turn < 1000; turn++) await null;
  assertEquals(done, false);
  // Two connections of 64 KiB each, and the relay's buffer.
  assertLess(joined.stats.bytesForward, 4 * 65_536);
});

Deno.test("a cut on one side is a cut on the other, and is reported", async () => {
  const failed = Promise.withResolvers<unknown>();
  await using ends = await through(memory(), memory(), {
    onError: failed.resolve,
  });
  const { near, far, joined } = ends;
  const reading = rejection(near.read(new Uint8Array(1)));
  far.abort(new Error("cut"));
  assert(await reading instanceof Deno.errors.ConnectionReset);
  assert(await failed.promise instanceof Deno.errors.ConnectionReset);
  assertEquals(joined.stats.failed, 1);
});

Deno.test("if the target cannot be reached, the connection is cut, and others go on", async () => {
  const behind = memory();
  const from = memory();
  const failed = Promise.withResolvers<unknown>();
  await using joined = await relay(from, behind, { onError: failed.resolve });
  const lost = await from.connect();
  await assertRejects(() => lost.read(new Uint8Array(1)));
  assert(await failed.promise instanceof Deno.errors.ConnectionRefused);
  await using listener = await behind.listen();
  const [near, far] = await Promise.all([from.connect(), listener.accept()]);
  await near.write(Uint8Array.of(7));
  const into = new Uint8Array(4);
  assertEquals(await far.read(into), 1);
  assertEquals(joined.stats.accepted, 2);
  await Promise.all([near.close(), far.close()]);
});

Deno.test("an abort ends the relay and its connections", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  await using ends = await through(memory(), memory(), { signal });
  const reading = rejection(ends.near.read(new Uint8Array(1)));
  controller.abort();
  await ends.joined.closed;
  await reading;
  assertEquals(ends.joined.stats.open, 0);
});

/** A listener that delivers one connection, and then fails on `fail()`. */
function failing(near: Connection, close: () => Promise<void>) {
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  let closes = 0;
  const listener = {
    address: { transport: "failing" },
    accept: () => failure.promise,
    close: () => {
      closes++;
      return close();
    },
    async *[Symbol.asyncIterator]() {
      yield near;
      await failure.promise;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  } satisfies Listener;
  return { listener, fail: failure.reject, closes: () => closes };
}

Deno.test("a listener that fails is closed, and ends the relay and its pairs", async () => {
  const behind = memory();
  await using target = await behind.listen();
  const [client, near] = memoryPair();
  const { listener, fail, closes } = failing(near, () => Promise.resolve());
  const joined = await relay(listener, behind);
  const far = await target.accept();
  await client.write(Uint8Array.of(7));
  assertEquals(await far.read(new Uint8Array(4)), 1);
  const failure = new Error("accept has failed");
  fail(failure);
  assertEquals(await rejection(joined.closed), failure);
  assertEquals([joined.stats.open, closes()], [0, 1]);
  await rejection(client.read(new Uint8Array(1)));
  await rejection(far.read(new Uint8Array(1)));
});

Deno.test("if the listener cannot be closed, an abort ends the pairs, and closed has the error", async () => {
  const behind = memory();
  await using target = await behind.listen();
  const [client, near] = memoryPair();
  const failure = new Error("close has failed");
  const { listener } = failing(near, () => Promise.reject(failure));
  const controller = new AbortController();
  const { signal } = controller;
  const joined = await relay(listener, behind, { signal });
  const far = await target.accept();
  controller.abort();
  assertEquals(await rejection(joined.closed), failure);
  assertEquals(await rejection(joined.close()), failure);
  assertEquals(joined.stats.open, 0);
  await rejection(client.read(new Uint8Array(1)));
  await rejection(far.read(new Uint8Array(1)));
});

Deno.test("a client that is cut while the target is dialled ends the dial", async () => {
  const from = memory();
  const failed = Promise.withResolvers<unknown>();
  const dialled = Promise.withResolvers<AbortSignal | undefined>();
  const hanging: Transport = {
    ...silent,
    connect(options) {
      dialled.resolve(options?.signal);
      return silent.connect(options);
    },
  };
  await using joined = await relay(from, hanging, { onError: failed.resolve });
  const client = await from.connect();
  const signal = await dialled.promise;
  client.abort();
  assert(await failed.promise instanceof Deno.errors.ConnectionReset);
  assert(signal?.aborted);
  assertEquals(joined.stats.failed, 1);
});

Deno.test("a dial that takes longer than connectTimeout fails, and cuts the side that waits", async () => {
  const from = memory();
  const failed = Promise.withResolvers<unknown>();
  await using joined = await relay(from, silent, {
    connectTimeout: 1,
    onError: failed.resolve,
  });
  await using near = await from.connect();
  await near.write(new TextEncoder().encode("waits"));
  await assertRejects(
    () => near.read(new Uint8Array(1)),
    Deno.errors.ConnectionReset,
  );
  const error = await failed.promise;
  assertInstanceOf(error, Deno.errors.TimedOut);
  assertEquals(
    error.message,
    "Relay to memory:silent: the dial was not done within 1 ms",
  );
  assertEquals(joined.stats.failed, 1);
});

Deno.test("relay() refuses a connectTimeout that is out of range, and does not listen", async () => {
  for (const connectTimeout of [0, -1, NaN]) {
    await assertRejects(
      () => relay(tcp({ port: 0 }), memory(), { connectTimeout }),
      RangeError,
      `Cannot use the option: connectTimeout is ${connectTimeout}: `,
    );
  }
});
