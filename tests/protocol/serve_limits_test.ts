import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  EndOfStreamError,
  jsonLines,
  Peer,
  QueueLimitError,
  serve,
} from "../../protocol/mod.ts";
import { memory } from "../../transports/mod.ts";
import { turns } from "../support/turns.ts";
import { ask, Clients, Echo } from "../support/protocol/echo_server.ts";

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

Deno.test("serve() refuses limits that are out of range", async () => {
  await using listener = await memory().listen();
  for (
    const options of [
      { maxSessions: 0 },
      { maxSessions: NaN },
      { idleTimeout: 0 },
      { idleTimeout: -1 },
      { shutdownTimeout: -1 },
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
