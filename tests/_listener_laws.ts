import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  type Address,
  type Connection,
  formatAddress,
  type Transport,
} from "../transports/mod.ts";
import { noise, readExactly } from "./_bytes.ts";
import { rejection } from "./_rejection.ts";
import { WatchedSignal } from "./_watched_signal.ts";

/** Makes a transport at an address, or at one that is free. */
export type MakeTransport = (address?: Address) => Transport;

/** Two ends of one connection: who connected, and who accepted. */
export async function meet(
  make: MakeTransport,
): Promise<[Connection, Connection]> {
  await using listener = await make().listen();
  const near = await make(listener.address).connect();
  return [near, await listener.accept()];
}

/** Registers a test for each promise that every transport's listeners make. */
export function listenerLaws(name: string, make: MakeTransport): void {
  const law = (promise: string, check: () => Promise<void>) =>
    Deno.test(`${name}: ${promise}`, check);

  law("a listener's address is where it can be reached", async () => {
    await using listener = await make().listen();
    await using near = await make(listener.address).connect();
    await using far = await listener.accept();
    assertEquals(near.remoteAddress, listener.address);
    assertEquals(far.localAddress, listener.address);
    assertEquals(
      make(listener.address).toString(),
      formatAddress(listener.address),
    );
  });

  law("accepts that wait are served in their order", async () => {
    await using listener = await make().listen();
    const accepts = [1, 2, 3].map(() => listener.accept());
    for (const accept of accepts) {
      await using near = await make(listener.address).connect();
      await using far = await accept;
      await checkJoined(near, far);
    }
  });

  law("iterating gives each connection, until close()", async () => {
    const listener = await make().listen();
    let served = 0;
    const serving = (async () => {
      for await (const far of listener) {
        await far.close();
        served++;
      }
    })();
    for (let i = 0; i < 5; i++) {
      await using near = await make(listener.address).connect();
      assert((await near.readable.getReader().read()).done);
    }
    await listener.close();
    await serving;
    assertEquals(served, 5);
  });

  law("an aborted accept leaves its connection to the next", async () => {
    await using listener = await make().listen();
    const controller = new AbortController();
    const accept = listener.accept({ signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    assertStrictEquals(await rejection(accept), reason);
    await using near = await make(listener.address).connect();
    await using far = await listener.accept();
    await checkJoined(near, far);
  });

  law("a connection that nobody accepts ends with the listener", async () => {
    const listener = await make().listen();
    const controller = new AbortController();
    const accept = listener.accept({ signal: controller.signal });
    controller.abort();
    await assertRejects(() => accept);
    await using near = await make(listener.address).connect();
    await listener.close();
    // A reset is as good an end as any.
    await near.readable.getReader().read().then(
      ({ done }) => assert(done),
      (error) => assertInstanceOf(error, Error),
    );
  });

  law("what is aborted before it begins rejects with the reason", async () => {
    const reason = { not: "an error" };
    const signal = AbortSignal.abort(reason);
    await using listener = await make().listen();
    const transport = make(listener.address);
    assertStrictEquals(await rejection(transport.connect({ signal })), reason);
    assertStrictEquals(await rejection(make().listen({ signal })), reason);
    assertStrictEquals(await rejection(listener.accept({ signal })), reason);
  });

  law("a connect that is aborted on its way leaves nothing open", async () => {
    await using listener = await make().listen();
    const controller = new AbortController();
    const { signal } = controller;
    const connect = make(listener.address).connect({ signal });
    const reason = new Error("enough");
    controller.abort(reason);
    assertStrictEquals(await rejection(connect), reason);
  });

  law("1,000 aborted waits leave no listener on their signal", async () => {
    await using listener = await make().listen();
    const transport = make(listener.address);
    const watched = new WatchedSignal();
    const { signal } = watched;
    for (let i = 0; i < 20; i++) {
      const [near, far] = await Promise.all([
        transport.connect({ signal }),
        listener.accept({ signal }),
      ]);
      near.abort();
      far.abort();
    }
    assertEquals(watched.listeners, 0);
    const accepts = Array.from(
      { length: 500 },
      () => rejection(listener.accept({ signal })),
    );
    // So many that they would not all fit into the queue of the listener.
    const connects = Array.from(
      { length: 500 },
      () => rejection(transport.connect({ signal })),
    );
    const reason = new Error("enough");
    watched.abort(reason);
    for (const wait of [...accepts, ...connects]) {
      assertStrictEquals(await wait, reason);
    }
    assertEquals(watched.listeners, 0);
  });

  law("close() ends what waits, naming the address", async () => {
    const listener = await make().listen();
    const accepts = [1, 2].map(() => rejection(listener.accept()));
    await Promise.all([listener.close(), listener.close()]);
    for (const accept of [...accepts, rejection(listener.accept())]) {
      const error = await accept;
      assertInstanceOf(error, Error);
      assertStringIncludes(error.message, formatAddress(listener.address));
    }
    for await (const _ of listener) throw new Error("Not closed");
  });

  law("an address is free once close() has resolved", async () => {
    const first = await make().listen();
    const { address } = first;
    await first.close();
    for (let i = 0; i < 100; i++) {
      const listener = await make(address).listen();
      const accept = rejection(listener.accept());
      await listener.close();
      assertInstanceOf(await accept, Deno.errors.BadResource);
    }
  });

  law("an address in use is refused, and named", async () => {
    await using listener = await make().listen();
    const error = await assertRejects(
      () => make(listener.address).listen(),
      Deno.errors.AddrInUse,
    );
    assertStringIncludes(error.message, formatAddress(listener.address));
    await using _near = await make(listener.address).connect();
    // Asking whether somebody listens may have been a connection too.
    await using _far = await listener.accept();
  });

  law("connecting where nobody listens fails, naming the address", async () => {
    const listener = await make().listen();
    await listener.close();
    const error = await rejection(make(listener.address).connect());
    assertInstanceOf(error, Error);
    assertStringIncludes(
      error.message,
      `Connect to ${formatAddress(listener.address)}: `,
    );
  });
}

/** Checks that what one end writes is what the other reads. */
async function checkJoined(near: Connection, far: Connection): Promise<void> {
  const sent = noise(10, Math.floor(Math.random() * 1000));
  const reader = far.readable.getReader({ mode: "byob" });
  await near.writable.getWriter().write(sent);
  assertEquals(await readExactly(reader, 10), sent);
}
