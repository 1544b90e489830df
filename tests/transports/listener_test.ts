import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { SocketListener } from "../../transports/_socket/listener.ts";
import {
  type Connection,
  memory,
  memoryPair,
  tcp,
} from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";

const address = { transport: "tcp", hostname: "127.0.0.1", port: 1 } as const;

/** Delivers the items of the list in order, then nothing until it is closed. */
function listenerOf(...arrivals: (Connection | Error)[]): SocketListener {
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => {});
  return new SocketListener({
    accept: () => {
      const next = arrivals.shift();
      if (!next) return closed.promise;
      return next instanceof Error
        ? Promise.reject(next)
        : Promise.resolve(next);
    },
    close: () => closed.reject(new Deno.errors.BadResource("closed")),
  }, address);
}

function noDescriptors(): Error {
  return Object.assign(new Error("Too many open files"), { code: "EMFILE" });
}

Deno.test("an iteration goes on after a short lack of file descriptors", async () => {
  const [near, far] = memoryPair();
  const listener = listenerOf(noDescriptors(), noDescriptors(), near);
  for await (const connection of listener) {
    assertStrictEquals(connection, near);
    break;
  }
  await listener.close();
  await Promise.all([near.close(), far.close()]);
});

Deno.test("an iteration goes on if the listener below is short of file descriptors", async () => {
  const [near, far] = memoryPair();
  const below = listenerOf(noDescriptors(), near);
  const listener = new SocketListener(below, address);
  for await (const connection of listener) {
    assertStrictEquals(connection, near);
    break;
  }
  await listener.close();
  await Promise.all([near.close(), far.close()]);
});

Deno.test("an iteration that waits for file descriptors ends with close()", async () => {
  const listener = listenerOf(noDescriptors());
  const next = listener[Symbol.asyncIterator]().next();
  await Promise.resolve();
  await listener.close();
  assertEquals((await next).done, true);
});

Deno.test("accept() rejects without free file descriptors, and the listener stays usable", async () => {
  const [near, far] = memoryPair();
  const listener = listenerOf(noDescriptors(), near);
  await assertRejects(
    () => listener.accept(),
    Error,
    "Accept at tcp://127.0.0.1:1: Too many open files",
  );
  assertStrictEquals(await listener.accept(), near);
  await listener.close();
  await Promise.all([near.close(), far.close()]);
});

Deno.test("an iteration throws errors that are not temporary", async () => {
  const listener = listenerOf(new Error("broken"));
  await assertRejects(
    () => listener[Symbol.asyncIterator]().next(),
    Error,
    "Accept at tcp://127.0.0.1:1: broken",
  );
  await listener.close();
});

Deno.test("a listener whose source cannot be closed ends unaccepted connections, and reports the error", async () => {
  const [near, far] = memoryPair();
  const arrival = Promise.withResolvers<Connection>();
  const failure = new Error("cannot close");
  const listener = new SocketListener({
    accept: () => arrival.promise,
    close: () => Promise.reject(failure),
  }, address);
  const controller = new AbortController();
  const accept = listener.accept({ signal: controller.signal });
  controller.abort();
  await assertRejects(() => accept, DOMException);
  arrival.resolve(near);
  assertStrictEquals(await rejection(listener.close()), failure);
  await assertRejects(() => near.readable.getReader().read(), DOMException);
  await far.close();
});

for (const transport of [tcp({ port: 0 }), memory()]) {
  Deno.test(`${transport}: an accept() that close() ends may be awaited later`, async () => {
    const listener = await transport.listen();
    const accept = listener.accept();
    await listener.close();
    // An unhandled rejection would end the process meanwhile.
    await new Promise((resolve) => setTimeout(resolve));
    await assertRejects(() => accept, Deno.errors.BadResource);
  });
}
