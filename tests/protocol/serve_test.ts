import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  ConnectError,
  EndOfStreamError,
  jsonLines,
  Peer,
  QueueLimitError,
  serve,
} from "../../protocol/mod.ts";
import { type Listener, memory, type Transport } from "../../transports/mod.ts";
import { jsonPeer, recordRunstates } from "../support/session.ts";
import { turns } from "../support/turns.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";

/** Answers with what it gets, and fails at `"fail"`. */
class Echo extends Peer<unknown> {
  readonly negotiating = Promise.withResolvers<void>();
  negotiation: () => Promise<void> = () => Promise.resolve();

  constructor() {
    super({ codec: () => jsonLines() });
  }

  protected override negotiate(): Promise<void> {
    this.negotiating.resolve();
    return this.negotiation();
  }

  protected override onMessage(message: unknown): Promise<void> {
    if (message === "fail") throw new Error("asked to fail");
    return this.send(message);
  }
}

/** Clients of a server that end with their test. */
class Clients implements AsyncDisposable {
  readonly #peers = new AsyncDisposableStack();
  readonly #to: Transport;

  constructor(to: Transport) {
    this.#to = to;
  }

  async connect(): Promise<Peer<unknown>> {
    const peer = this.#peers.use(jsonPeer());
    await peer.connect(this.#to);
    return peer;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#peers.disposeAsync();
  }
}

async function ask(client: Peer<unknown>, message: unknown): Promise<unknown> {
  await client.send(message);
  const { done, value } = await client[Symbol.asyncIterator]().next();
  return done ? "the end" : value;
}

/** A listener that fails before it accepts. */
function failing(listener: Listener, errors: Error[]): Listener {
  const accept: Listener["accept"] = async (options) => {
    const error = errors.shift();
    if (error) throw error;
    return await listener.accept(options);
  };
  return {
    address: listener.address,
    accept,
    close: () => listener.close(),
    async *[Symbol.asyncIterator]() {
      const error = errors.shift();
      if (error) throw error;
      yield* listener;
    },
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

Deno.test("serve() gives each connection a session of its own", async () => {
  const transport = memory({ name: "served" });
  await using server = serve(await transport.listen(), () => new Echo());
  assertEquals(server.addr, { transport: "memory", name: "served" });
  assertEquals(server.sessions.size, 0);
  await using clients = new Clients(transport);
  const all = await Promise.all([1, 2, 3].map(() => clients.connect()));
  assertEquals(
    await Promise.all(all.map((client, i) => ask(client, { i }))),
    [{ i: 0 }, { i: 1 }, { i: 2 }],
  );
  assertEquals(server.sessions.size, 3);
  for (const session of server.sessions) assertInstanceOf(session, Echo);
  for (const client of all) await client.disconnect();
});

Deno.test("a session of serve() that its peer has ended is idle again, and removed from the sessions", async () => {
  const transport = memory();
  const echo = new Echo();
  const states = recordRunstates(echo);
  await using server = serve(await transport.listen(), () => echo);
  await using clients = new Clients(transport);
  const client = await clients.connect();
  await ask(client, 1);
  assertEquals([...server.sessions], [echo]);
  await client.disconnect();
  await server.shutdown();
  assertEquals(server.sessions.size, 0);
  assertEquals(await states.stop(), [
    "connecting",
    "running",
    "disconnecting",
    "idle",
  ]);
});

Deno.test("a session of serve() that disconnects by itself is disconnecting once", async () => {
  const transport = memory();
  const echo = new Echo();
  const states = recordRunstates(echo);
  await using server = serve(await transport.listen(), () => echo);
  await using clients = new Clients(transport);
  const client = await clients.connect();
  await ask(client, 1);
  await echo.disconnect();
  await server.shutdown();
  assertEquals(await states.stop(), [
    "connecting",
    "running",
    "disconnecting",
    "idle",
  ]);
});

Deno.test("a session of serve() that negotiates for ever does not delay other sessions", async () => {
  const transport = memory();
  const created: Echo[] = [];
  await using server = serve(
    await transport.listen(),
    () => {
      const echo = new Echo();
      if (created.push(echo) <= 5) {
        echo.negotiation = () => new Promise(() => {});
      }
      return echo;
    },
    { shutdownTimeout: 0 },
  );
  await using clients = new Clients(transport);
  for (let i = 0; i < 5; i++) await clients.connect();
  const client = await clients.connect();
  assertEquals(await ask(client, "hello"), "hello");
  assertEquals(created.length, 6);
  assertEquals([...server.sessions], created.slice(5));
  for (const echo of created) await echo.negotiating.promise;
});

Deno.test("a session of serve() that fails does not affect other sessions", async () => {
  const transport = memory();
  let created = 0;
  await using server = serve(await transport.listen(), () => {
    const echo = new Echo();
    switch (created++) {
      case 1:
        throw new Error("cannot create");
      case 2:
        echo.negotiation = () => Promise.reject(new Error("wrong version"));
    }
    return echo;
  });
  await using clients = new Clients(transport);
  const good = await clients.connect();
  for (let i = 1; i < 3; i++) {
    const refused = await clients.connect();
    await assertRejects(() => refused.closed, Deno.errors.ConnectionReset);
    await assertRejects(() => refused.disconnect());
    assertEquals(await ask(good, i), i);
  }
  const failed = await clients.connect();
  await failed.send("fail");
  await assertRejects(() => failed.closed, Deno.errors.ConnectionReset);
  await assertRejects(() => failed.disconnect());
  assertEquals(await ask(good, 3), 3);
  assertEquals(server.sessions.size, 1);
  assertEquals(created, 4);
  await good.disconnect();
});

Deno.test("serve() ends a connection if create() returns a session that is in use, which goes on", async () => {
  const transport = memory();
  const echo = new Echo();
  await using _server = serve(await transport.listen(), () => echo);
  await using clients = new Clients(transport);
  const first = await clients.connect();
  assertEquals(await ask(first, 1), 1);
  const second = await clients.connect();
  await assertRejects(() => second.closed, Deno.errors.ConnectionReset);
  await assertRejects(() => second.disconnect());
  assertEquals(await ask(first, 2), 2);
  await first.disconnect();
});

Deno.test("serve() with maxSessions accepts the next connection when a session has ended", async () => {
  const transport = memory();
  let created = 0;
  await using _server = serve(
    await transport.listen(),
    () => (created++, new Echo()),
    { maxSessions: 2 },
  );
  await using clients = new Clients(transport);
  const first = await clients.connect();
  const second = await clients.connect();
  assertEquals([await ask(first, 1), await ask(second, 2)], [1, 2]);
  const third = await clients.connect();
  const answered = ask(third, 3);
  // The third has been waiting while the others were served.
  for (let i = 0; i < 100; i++) assertEquals(await ask(first, i), i);
  assertEquals(created, 2);
  await first.disconnect();
  assertEquals(await answered, 3);
  assertEquals(created, 3);
  for (const client of [second, third]) await client.disconnect();
});

Deno.test("serve() with idleTimeout ends silent sessions, also in negotiation, and no others", async () => {
  const transport = memory();
  let created = 0;
  await using server = serve(
    await transport.listen(),
    () => {
      const echo = new Echo();
      if (created++ === 0) echo.negotiation = () => new Promise(() => {});
      return echo;
    },
    { idleTimeout: 200 },
  );
  await using clients = new Clients(transport);
  const negotiating = await clients.connect();
  const silent = await clients.connect();
  const talking = await clients.connect();
  let talks = true;
  const talk = (async () => {
    while (talks) {
      await ask(talking, 1);
      await new Promise((resolve) => setTimeout(resolve));
    }
  })();
  await assertRejects(() => negotiating.closed, Deno.errors.ConnectionReset);
  await assertRejects(() => silent.closed, EndOfStreamError);
  await assertRejects(() => negotiating.disconnect());
  assertEquals(server.sessions.size, 1);
  talks = false;
  await talk;
  await talking.disconnect();
});

Deno.test("the signal of serve() ends the server and its sessions, and keeps no listener", async () => {
  for (const when of ["before", "while served", "never"] as const) {
    const transport = memory();
    const watched = new WatchedSignal();
    if (when === "before") watched.abort();
    const server = serve(await transport.listen(), () => new Echo(), {
      signal: watched.signal,
    });
    if (when !== "before") {
      await using clients = new Clients(transport);
      const client = await clients.connect();
      assertEquals(await ask(client, 1), 1);
      if (when === "while served") {
        watched.abort();
        await assertRejects(() => client.closed, EndOfStreamError);
      } else {
        await client.disconnect();
        await server.shutdown();
      }
    }
    await server.closed;
    assertEquals(server.sessions.size, 0);
    assertEquals(watched.listeners, 0);
  }
});

Deno.test("shutdown() ends a connection that waits for room under maxSessions", async () => {
  const transport = memory();
  const server = serve(await transport.listen(), () => new Echo(), {
    maxSessions: 1,
  });
  await using clients = new Clients(transport);
  const client = await clients.connect();
  assertEquals(await ask(client, 1), 1);
  const waiting = await clients.connect();
  await server.shutdown();
  await assertRejects(() => waiting.closed, Deno.errors.ConnectionReset);
  await assertRejects(() => waiting.disconnect());
  await client.disconnect().catch(() => {});
});

Deno.test("serve() with a closed listener goes on with its sessions, and ends with the last", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const server = serve(listener, () => new Echo());
  await using clients = new Clients(transport);
  const client = await clients.connect();
  assertEquals(await ask(client, 1), 1);
  await listener.close();
  await assertRejects(() => clients.connect(), ConnectError);
  assertEquals(await ask(client, 2), 2);
  await client.disconnect();
  await server.closed;
});

Deno.test("serve() survives a listener that fails to accept", async () => {
  const transport = memory();
  const errors = [1, 2, 3].map((i) => new Error(`no file descriptor ${i}`));
  await using _server = serve(
    failing(await transport.listen(), errors),
    () => new Echo(),
  );
  await using clients = new Clients(transport);
  const client = await clients.connect();
  assertEquals(await ask(client, 1), 1);
  assertEquals(errors, []);
  await client.disconnect();
});

Deno.test("shutdown() does not wait for a failing accept to be tried again", async () => {
  const transport = memory();
  const failed = Promise.withResolvers<void>();
  const listener = failing(await transport.listen(), []);
  let failures = 0;
  const fail = () => {
    if (++failures === 5) failed.resolve();
    throw new Error("no file descriptor");
  };
  listener.accept = async () => await fail();
  listener[Symbol.asyncIterator] = fail;
  const server = serve(listener, () => new Echo());
  await failed.promise;
  await server.shutdown();
  assertEquals(failures, 5);
});

Deno.test("shutdown() ends even if close() of the listener does not end a pending accept()", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const error = new Error("cannot close");
  const server = serve({
    address: listener.address,
    accept: (options) => listener.accept(options),
    close: () => Promise.reject(error),
    [Symbol.asyncIterator]: () => listener[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: () => listener.close(),
  }, () => new Echo());
  assertStrictEquals(await server.shutdown().catch((error) => error), error);
  await listener.close();
});

Deno.test("closed and shutdown() reject with the error of a listener that cannot be closed", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const error = new Error("cannot close");
  const server = serve({
    address: listener.address,
    accept: (options) => listener.accept(options),
    close: async () => {
      await listener.close();
      throw error;
    },
    [Symbol.asyncIterator]: () => listener[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: () => listener.close(),
  }, () => new Echo());
  for (const end of [server.shutdown(), server.closed, server.shutdown()]) {
    assertStrictEquals(await end.catch((error) => error), error);
  }
});

Deno.test("1,000 concurrent sessions end with the server", async () => {
  const transport = memory();
  const created = new Set<Echo>();
  const server = serve(await transport.listen(), () => {
    const echo = new Echo();
    created.add(echo);
    return echo;
  }, { shutdownTimeout: 0 });
  await using clients = new Clients(transport);
  const all = await Promise.all(
    Array.from({ length: 1000 }, () => clients.connect()),
  );
  const answers = await Promise.all(all.map((client, i) => ask(client, i)));
  assertEquals(answers, all.map((_, i) => i));
  assertEquals(server.sessions.size, 1000);
  await server.shutdown();
  for (const echo of created) assertEquals(echo.runstate, "idle");
  for (const client of all) {
    await assertRejects(() => client.closed, EndOfStreamError);
  }
});

Deno.test("serve() refuses limits that are out of range", async () => {
  await using listener = await memory().listen();
  for (
    const options of [
      { maxSessions: 0 },
      { maxSessions: NaN },
      { idleTimeout: 0 },
      { idleTimeout: -1 },
      { shutdownTimeout: -1 },
      { shutdownTimeout: Infinity },
    ]
  ) {
    const [[option, value]] = Object.entries(options) as [[string, number]];
    const error = assertThrows(
      () => serve(listener, () => new Echo(), options),
      RangeError,
    );
    assertStringIncludes(
      error.message,
      `${option} is ${value}: it must be a number from`,
    );
  }
});

Deno.test("a client that does not read does not delay others of a server that sends to all, and its session ends", async () => {
  const transport = memory();
  const errors: [unknown, unknown][] = [];
  class Radio extends Peer<unknown> {
    constructor() {
      super({ codec: () => jsonLines(), maxQueuedBytes: 100_000 });
    }
  }
  const server = serve(await transport.listen(), () => new Radio(), {
    onError: (error, session) => errors.push([error, session]),
  });
  const deaf = await transport.connect();
  await using clients = new Clients(transport);
  const listening = [await clients.connect(), await clients.connect()];
  while (server.sessions.size < 3) await turns();
  const [slow] = server.sessions;
  const news = "x".repeat(10_000);
  for (let n = 0; n < 100; n++) {
    for (const session of server.sessions) session.send([n, news]);
    for (const client of listening) {
      assertEquals(await client.receive(), [n, news]);
    }
  }
  assertEquals(server.sessions.size, 2);
  assertEquals(errors.length, 1);
  assertInstanceOf(errors[0]?.[0], QueueLimitError);
  assertStrictEquals(errors[0]?.[1], slow);
  for (const client of listening) await client.disconnect();
  deaf.abort();
  await server.shutdown();
});
