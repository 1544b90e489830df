import { concat } from "@std/bytes";
import {
  assertEquals,
  assertLessOrEqual,
  assertMatch,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { toBytes } from "@std/streams";
import {
  AsyncProtocol,
  type Codec,
  FlushTimeoutError,
  lines,
} from "../../protocol/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { runningPeer, write } from "../support/session.ts";

Deno.test("disconnect() sends all that is queued, also while the peer is blocked in writing to us", async () => {
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

Deno.test("disconnect() with a stalled peer ends after closeTimeout and says what was not sent", async () => {
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

Deno.test("disconnect() is forced by its signal, and says what was not sent", async () => {
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

Deno.test("what the peer sends after disconnect() is not delivered", async () => {
  const { peer, remote } = await runningPeer();
  const ending = peer.disconnect();
  await write(remote, "1\n").catch(() => {});
  await ending;
  assertEquals((await peer[Symbol.asyncIterator]().next()).done, true);
  await remote.close();
});
