import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { EndOfStreamError, serve } from "../../protocol/mod.ts";
import { memory } from "../../transports/mod.ts";
import { GOOD_SESSION, recordRunstates } from "../support/protocol/session.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { ask, Clients, Echo } from "../support/protocol/echo_server.ts";

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
  assertEquals(await states.stop(), GOOD_SESSION);
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
  assertEquals(await states.stop(), GOOD_SESSION);
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
