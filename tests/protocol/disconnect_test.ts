import { concat } from "@std/bytes";
import {
  assertEquals,
  assertInstanceOf,
  assertLessOrEqual,
  assertMatch,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { toBytes, toText } from "@std/streams";
import {
  AsyncProtocol,
  type Codec,
  FlushTimeoutError,
  lines,
} from "../../protocol/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import {
  jsonPeer,
  recordRunstates,
  runningPeer,
  write,
} from "../support/protocol/session.ts";

Deno.test("disconnect() sends all queued messages, also while the peer is blocked in writing to us", async () => {
  const { peer, remote } = await runningPeer({ closeTimeout: 60_000 });
  // The peer reads only once its own 8 MiB are written.
  const echo = (async () => {
    await write(
      remote,
      concat(
        Array.from({ length: 8 }, () => new Uint8Array(1024 * 1024).fill(10)),
      ),
    );
    return await toBytes(remote.readable);
  })();
  peer.send("x".repeat(8 * 1024 * 1024));
  await peer.disconnect();
  assertEquals((await echo).length, 8 * 1024 * 1024 + 3);
  await remote.close();
});

Deno.test("disconnect() with a stalled peer ends after closeTimeout and reports the unsent bytes", async () => {
  const { peer, remote } = await runningPeer({ closeTimeout: 10 });
  peer.send("x".repeat(1024 * 1024));
  const error = await assertRejects(() => peer.disconnect(), FlushTimeoutError);
  assertMatch(
    error.message,
    new RegExp(`${error.unsentBytes} bytes were not sent`),
  );
  assertEquals(
    (error.cause as Error).message,
    "closeTimeout of 10 ms has passed",
  );
  const taken = 1024 * 1024 + 3 - error.unsentBytes;
  assertLessOrEqual(taken, 64 * 1024);
  assertEquals(peer.runstate, "idle");
  await assertRejects(() => peer.closed, FlushTimeoutError);
  await remote.close();
});

Deno.test("disconnect() is forced by its signal, and reports the unsent bytes", async () => {
  const { peer, remote } = await runningPeer({ closeTimeout: 60_000 });
  peer.send("x".repeat(1024 * 1024));
  const controller = new AbortController();
  const ending = peer.disconnect({ signal: controller.signal });
  const reason = new Error("no time");
  controller.abort(reason);
  const error = await assertRejects(() => ending, FlushTimeoutError);
  assertStrictEquals(error.cause, reason);
  assertEquals(peer.runstate, "idle");
  await remote.close();
});

Deno.test("disconnect() does not wait for a handler that never returns", async () => {
  class Stuck extends AsyncProtocol<string> {
    readonly called = Promise.withResolvers<void>();
    protected override createCodec(): Codec<string> {
      return lines();
    }
    protected override onMessage(): Promise<void> {
      this.called.resolve();
      return new Promise(() => {});
    }
  }
  const [near, far] = memoryPair();
  const stuck = new Stuck();
  await stuck.connect(near);
  await write(far, "hello\n");
  await stuck.called.promise;
  await stuck.disconnect();
  assertEquals(stuck.runstate, "idle");
  await far.close();
});

Deno.test("disconnect() within a handler ends the session", async () => {
  const ended = Promise.withResolvers<void>();
  class Once extends AsyncProtocol<string> {
    protected override createCodec(): Codec<string> {
      return lines();
    }
    protected override async onMessage(): Promise<void> {
      await this.disconnect().then(ended.resolve, ended.reject);
    }
  }
  const [near, far] = memoryPair();
  const once = new Once();
  await once.connect(near);
  await write(far, "bye\n");
  await ended.promise;
  assertEquals(once.runstate, "idle");
  await far.close();
});

Deno.test("messages that arrive after disconnect() are not delivered", async () => {
  const { peer, remote } = await runningPeer();
  const ending = peer.disconnect();
  await write(remote, "1\n").catch(() => {});
  await ending;
  assertEquals((await peer[Symbol.asyncIterator]().next()).done, true);
  await remote.close();
});

Deno.test("signal, closed, iterations and receive() get the reason of disconnect(), and the session ends in order", async () => {
  const { peer, remote } = await runningPeer();
  const reason = new Error("watchdog");
  const iteration = peer[Symbol.asyncIterator]().next();
  peer.send("the last word");
  const { closed, signal } = peer;
  await peer.disconnect({ reason });
  assertStrictEquals(signal.reason, reason);
  assertStrictEquals(await rejection(closed), reason);
  assertStrictEquals(await rejection(iteration), reason);
  assertEquals(await toText(remote.readable), '"the last word"\n');
  assertEquals(peer.runstate, "idle");
  await remote.close();
});

Deno.test("the reason of disconnect() ends a connection attempt", async () => {
  const peer = jsonPeer();
  const reason = new Error("not now");
  const connecting = rejection(peer.connect({
    connect: ({ signal } = {}) =>
      new Promise((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason))
      ),
    listen: () => Promise.reject(new Error("no listener")),
  }));
  await peer.disconnect({ reason });
  assertStrictEquals(await connecting, reason);
  assertEquals(peer.runstate, "idle");
});

Deno.test("disconnect() with a reason reports the unsent bytes", async () => {
  const { peer, remote } = await runningPeer({ closeTimeout: 10 });
  const reason = new Error("watchdog");
  peer.send("x".repeat(1024 * 1024));
  const { closed } = peer;
  assertInstanceOf(
    await rejection(peer.disconnect({ reason })),
    FlushTimeoutError,
  );
  assertStrictEquals(await rejection(closed), reason);
  await remote.close();
});

Deno.test("the first reason of disconnect() is used, and none after the session has failed", async () => {
  const { peer, remote } = await runningPeer();
  const reason = new Error("first");
  const { closed } = peer;
  await Promise.all([
    peer.disconnect({ reason }),
    peer.disconnect({ reason: new Error("second") }),
    peer.disconnect(),
  ]);
  assertStrictEquals(await rejection(closed), reason);
  await remote.close();

  const failed = await runningPeer();
  failed.remote.abort();
  const cause = await rejection(failed.peer.closed);
  assertStrictEquals(
    await rejection(failed.peer.disconnect({ reason })),
    cause,
  );
});

Deno.test("disconnect() within a listener of the session's signal joins the one under way", async () => {
  const { peer, remote } = await runningPeer();
  const states = recordRunstates(peer);
  let joined: Promise<void> | undefined;
  peer.signal.addEventListener("abort", () => joined = peer.disconnect());
  await peer.disconnect();
  await joined;
  assertEquals(await states.stop(), ["disconnecting", "idle"]);
  await remote.close();
});
