import {
  type Connection,
  formatAddress,
  type Listener,
  type WaitOptions,
} from "../../transports/mod.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "../_deps.ts";
import { noise, readExactly } from "../_util/bytes.ts";
import type { TransportUnderTest } from "../transport_under_test.ts";
import { rejection } from "../_util/rejection.ts";
import type { Suite } from "./suite.ts";
import { WatchedSignal } from "./watched_signal.ts";

/** The laws of listening, connecting and accepting. */
export function listenerLaws(
  suite: Suite,
  subject: TransportUnderTest | undefined,
): void {
  const law = (statement: string, check: () => Promise<void>) =>
    suite.test(statement, check, "listener");
  // Without a subject none of them runs.
  const { server, client } = subject ?? { server: missing, client: missing };

  const join = (listener: Listener, options?: WaitOptions) =>
    Promise.all([
      client(listener.address).connect(options),
      listener.accept(options),
    ]);

  law("a listener's address is where it can be reached", async () => {
    await using listener = await server().listen();
    const [near, far] = await join(listener);
    await using _near = near;
    await using _far = far;
    assertEquals(near.remoteAddress, listener.address);
    assertEquals(far.localAddress, listener.address);
    assertEquals(
      client(listener.address).toString(),
      formatAddress(listener.address),
    );
  });

  law(
    "a write to a peer that has closed fails, naming the transport",
    async () => {
      await using listener = await server().listen();
      const [near, far] = await join(listener);
      await using _near = near;
      await using _far = far;
      await near.close();
      const error = await rejection((async () => {
        for (;;) await far.write(noise(1000));
      })());
      assertInstanceOf(error, Error);
      assertStringIncludes(error.message, far.remoteAddress.transport);
    },
  );

  law("accepts that wait are served in their order", async () => {
    await using listener = await server().listen();
    const accepts = [1, 2, 3].map(() => listener.accept());
    for (const accept of accepts) {
      await using near = await client(listener.address).connect();
      await using far = await accept;
      await checkJoined(suite, near, far);
    }
  });

  law("50 connects at once are all accepted", async () => {
    await using listener = await server().listen();
    const pairs = await Promise.all(
      Array.from({ length: 50 }, () => join(listener)),
    );
    const ends = pairs.map(([near]) => near.close());
    await Promise.all([...ends, ...pairs.map(([, far]) => far.close())]);
  });

  law("iterating gives each connection, until close()", async () => {
    const listener = await server().listen();
    let served = 0;
    const serving = (async () => {
      for await (const far of listener) {
        await far.close();
        served++;
      }
    })();
    for (let i = 0; i < 5; i++) {
      await using near = await client(listener.address).connect();
      assert((await near.readable.getReader().read()).done);
    }
    await listener.close();
    await serving;
    assertEquals(served, 5);
  });

  law("an aborted accept leaves its connection to the next", async () => {
    await using listener = await server().listen();
    const controller = new AbortController();
    const accept = listener.accept({ signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    assertStrictEquals(await rejection(accept), reason);
    await using near = await client(listener.address).connect();
    await using far = await listener.accept();
    await checkJoined(suite, near, far);
  });

  law("a connection that nobody accepts ends with the listener", async () => {
    const listener = await server().listen();
    const controller = new AbortController();
    const accept = listener.accept({ signal: controller.signal });
    controller.abort();
    await assertRejects(() => accept);
    await using near = await client(listener.address).connect();
    await listener.close();
    // A reset is as good an end as any.
    await near.readable.getReader().read().then(
      ({ done }) => assert(done),
      (error) => assertInstanceOf(error, Error),
    );
  });

  law(
    "a wait whose signal is aborted already rejects with the reason",
    async () => {
      const reason = { not: "an error" };
      const signal = AbortSignal.abort(reason);
      await using listener = await server().listen();
      const transport = client(listener.address);
      assertStrictEquals(
        await rejection(transport.connect({ signal })),
        reason,
      );
      assertStrictEquals(await rejection(server().listen({ signal })), reason);
      assertStrictEquals(await rejection(listener.accept({ signal })), reason);
    },
  );

  law("a connect that is aborted on its way leaves nothing open", async () => {
    await using listener = await server().listen();
    const controller = new AbortController();
    const { signal } = controller;
    const connect = client(listener.address).connect({ signal });
    const reason = new Error("enough");
    controller.abort(reason);
    assertStrictEquals(await rejection(connect), reason);
  });

  law("1,000 aborted waits leave no listener on their signal", async () => {
    await using listener = await server().listen();
    const transport = client(listener.address);
    const watched = new WatchedSignal();
    const { signal } = watched;
    for (let i = 0; i < 20; i++) {
      const [near, far] = await join(listener, { signal });
      near.abort();
      far.abort();
      await Promise.allSettled([near.closed, far.closed]);
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

  law("close() ends the accepts that wait, naming the address", async () => {
    const listener = await server().listen();
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
    const first = await server().listen();
    const { address } = first;
    await first.close();
    for (let i = 0; i < 100; i++) {
      const listener = await server(address).listen();
      const accept = rejection(listener.accept());
      await listener.close();
      assertInstanceOf(await accept, Error);
    }
  });

  law("an address in use is refused, and named", async () => {
    await using listener = await server().listen();
    const error = await rejection(server(listener.address).listen());
    assertInstanceOf(error, Error);
    assertStringIncludes(error.message, formatAddress(listener.address));
    // Asking whether somebody listens may have been a connection too.
    const [near, far] = await join(listener);
    await using _near = near;
    await using _far = far;
  });

  law(
    "connecting to an address without a listener fails, naming it",
    async () => {
      const listener = await server().listen();
      await listener.close();
      const error = await rejection(client(listener.address).connect());
      assertInstanceOf(error, Error);
      assertStringIncludes(
        error.message,
        `Connect to ${formatAddress(listener.address)}: `,
      );
    },
  );
}

/** Checks that what one end writes is what the other reads. */
async function checkJoined(
  suite: Suite,
  near: Connection,
  far: Connection,
): Promise<void> {
  const sent = noise(10, Math.floor(Math.random() * 1000));
  const reader = far.readable.getReader({ mode: "byob" });
  await near.writable.getWriter().write(sent);
  suite.same(await readExactly(reader, 10), sent);
}

function missing(): never {
  throw new Error("There is no transport to listen with");
}
