import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  ConnectError,
  EndOfStreamError,
  lines,
  Peer,
  reconnecting,
  type ReconnectPolicy,
  serve,
  StateError,
  type Transport,
} from "../../protocol/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { turns } from "../support/turns.ts";
import { VirtualTime } from "../support/virtual_time.ts";

const codec = () => lines();
/** The first retry comes at once: no test waits for a clock. */
const atOnce = { initialDelay: 0, maxDelay: 1 };

/** A server whose sessions a test ends. */
async function served(transport: Transport) {
  const server = serve(await transport.listen(), () => new Peer({ codec }));
  return {
    server,
    async cut(client: Peer<string>) {
      const { closed } = client;
      for (const session of server.sessions) await session.disconnect();
      await assertRejects(() => closed, EndOfStreamError);
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A transport whose attempts fail, each with the next error or the last one. */
function failing(...errors: Error[]): Transport & { attempts: number } {
  return {
    attempts: 0,
    connect() {
      const error = errors[Math.min(this.attempts++, errors.length - 1)];
      return Promise.reject(error);
    },
    listen: () => Promise.reject(new Error("nobody listens")),
  };
}

/** A transport whose attempts wait until they are aborted. */
function waiting(): Transport {
  return {
    connect: ({ signal } = {}) =>
      new Promise((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason))
      ),
    listen: () => Promise.reject(new Error("nobody listens")),
  };
}

Deno.test("a protocol is connected again when its peer ends the session, and prepared each time", async () => {
  const transport = memory();
  await using serving = await served(transport);
  const client = new Peer({ codec });
  let prepared = 0;
  await using connection = reconnecting(client, transport, {
    ...atOnce,
    onConnect: async () => {
      prepared++;
      await client.send("login");
    },
  });
  for (let n = 1; n <= 3; n++) {
    await connection.connected();
    assertEquals([client.runstate, prepared], ["running", n]);
    const [session] = serving.server.sessions;
    assertEquals(await session?.receive(), "login");
    await serving.cut(client);
  }
});

Deno.test("connected() waits for onConnect()", async () => {
  const transport = memory();
  await using _serving = await served(transport);
  const client = new Peer({ codec });
  const gate = Promise.withResolvers<void>();
  const called = Promise.withResolvers<void>();
  await using connection = reconnecting(client, transport, {
    onConnect: () => {
      called.resolve();
      return gate.promise;
    },
  });
  let connected = false;
  const waiting = connection.connected().then(() => connected = true);
  await called.promise;
  await turns();
  assertEquals(connected, false);
  gate.resolve();
  await waiting;
});

Deno.test("an onConnect() that fails ends the session, and is tried again", async () => {
  const transport = memory();
  await using _serving = await served(transport);
  const client = new Peer({ codec });
  const failures = [new Error("not ready"), new Error("not ready yet")];
  await using connection = reconnecting(client, transport, {
    ...atOnce,
    onConnect: () => {
      const failure = failures.shift();
      if (failure) throw failure;
    },
  });
  await connection.connected();
  assertEquals(failures, []);
});

Deno.test("a client whose session ends while onConnect() waits is connected again", async () => {
  const transport = memory();
  await using serving = await served(transport);
  const client = new Peer({ codec });
  let calls = 0;
  const called = Promise.withResolvers<void>();
  await using connection = reconnecting(client, transport, {
    ...atOnce,
    onConnect: () => {
      called.resolve();
      return ++calls === 1 ? new Promise(() => {}) : undefined;
    },
  });
  await called.promise;
  await serving.cut(client);
  await connection.connected();
  assertEquals(calls, 2);
});

Deno.test("an error that is not retriable ends the reconnection, wherever it comes from", async () => {
  const wrongPassword = new Error("wrong password");
  const isRetriable = (error: unknown) => {
    const cause = error instanceof ConnectError ? error.cause : error;
    return cause !== wrongPassword;
  };

  const to = failing(new Error("refused"), new Error("refused"), wrongPassword);
  const connecting = reconnecting(new Peer({ codec }), to, {
    ...atOnce,
    isRetriable,
  });
  const error = await rejection(connecting.closed);
  assertInstanceOf(error, ConnectError);
  assertStrictEquals(error.cause, wrongPassword);
  assertEquals(to.attempts, 3);
  assertStrictEquals(await rejection(connecting.connected()), error);

  const transport = memory();
  await using _serving = await served(transport);
  const preparing = reconnecting(new Peer({ codec }), transport, {
    isRetriable,
    onConnect: () => Promise.reject(wrongPassword),
  });
  assertStrictEquals(await rejection(preparing.closed), wrongPassword);

  class Refused extends Peer<string> {
    protected override onMessage(): void {
      throw wrongPassword;
    }
  }
  const other = memory();
  await using asking = await served(other);
  const running = reconnecting(new Refused({ codec }), other, { isRetriable });
  await running.connected();
  for (const session of asking.server.sessions) await session.send("no");
  assertStrictEquals(await rejection(running.closed), wrongPassword);
});

Deno.test("reconnecting() gives up after maxAttempts failed attempts in a row", async () => {
  const to = failing(new Error("refused"));
  const connection = reconnecting(new Peer({ codec }), to, {
    ...atOnce,
    maxAttempts: 4,
  });
  assertInstanceOf(await rejection(connection.closed), ConnectError);
  assertEquals(to.attempts, 4);
});

Deno.test("a missing permission and a closed listener are not retried", async () => {
  const denied = failing(new Deno.errors.NotCapable("no net access"));
  await rejection(reconnecting(new Peer({ codec }), denied).closed);
  assertEquals(denied.attempts, 1);
  const listener = await memory().listen();
  await listener.close();
  await rejection(reconnecting(new Peer({ codec }), listener).closed);
});

Deno.test("a peer that connects again is accepted again", async () => {
  const transport = memory();
  await using listener = await transport.listen();
  const server = new Peer({ codec });
  await using connection = reconnecting(server, listener, atOnce);
  for (const line of ["one", "two"]) {
    await using client = new Peer({ codec });
    await client.connect(transport);
    await client.send(line);
    await connection.connected();
    assertEquals(await server.receive(), line);
    await client.disconnect();
    await assertRejects(() => server.closed, EndOfStreamError);
  }
});

Deno.test("a session that its user disconnects is the last", async () => {
  const transport = memory();
  await using _serving = await served(transport);
  const client = new Peer({ codec });
  const connection = reconnecting(client, transport);
  await connection.connected();
  await client.disconnect();
  await connection.closed;
  await assertRejects(
    () => connection.connected(),
    StateError,
    "Peer is not connected again: it was disconnected",
  );
  assertEquals(client.runstate, "idle");
});

Deno.test("disconnect() while connecting, or within onConnect(), is the end", async () => {
  for (const when of ["connecting", "onConnect"]) {
    const transport = memory();
    await using _serving = await served(transport);
    const client = new Peer({ codec });
    const connection = reconnecting(
      client,
      when === "onConnect" ? transport : waiting(),
      { onConnect: () => client.disconnect() },
    );
    await turns();
    if (when === "connecting") await client.disconnect();
    await connection.closed;
    assertEquals(client.runstate, "idle");
  }
});

Deno.test("disconnect() in a pause, after a failed attempt or a lost session, is the end", async () => {
  using time = new VirtualTime();
  for (const after of ["attempt", "session"]) {
    const transport = memory();
    await using serving = await served(transport);
    const to = after === "session" ? transport : failing(new Error("refused"));
    const client = new Peer({ codec });
    const connection = reconnecting(client, to);
    if (after === "session") {
      await connection.connected();
      await serving.cut(client);
    }
    await turns();
    assertEquals([client.runstate, time.waiting > 0], ["idle", true]);
    await client.disconnect();
    await connection.closed;
    time.pass(60_000);
    await turns();
    assertEquals(client.runstate, "idle");
    await assertRejects(() => connection.connected(), StateError);
  }
});

/** Calls disconnect() at a certain moment of a session that is lost. */
const moments: Record<
  string,
  (client: Peer<string>, disconnect: () => void) => void
> = {
  "when its signal is aborted": (client, disconnect) =>
    client.signal.addEventListener("abort", disconnect),
  "when it is closed": ({ closed }, disconnect) => closed.catch(disconnect),
  "when the protocol is idle again": async (client, disconnect) => {
    for await (const state of client.runstates()) if (state === "idle") break;
    disconnect();
  },
};

for (const [moment, at] of Object.entries(moments)) {
  Deno.test(`disconnect() is the end after a session is lost: ${moment}`, async () => {
    using time = new VirtualTime();
    const transport = memory();
    await using serving = await served(transport);
    const client = new Peer({ codec });
    const connection = reconnecting(client, transport);
    await connection.connected();
    const disconnected = Promise.withResolvers<unknown>();
    at(
      client,
      () => disconnected.resolve(Promise.allSettled([client.disconnect()])),
    );
    await serving.cut(client);
    await disconnected.promise;
    time.pass(60_000);
    await turns();
    assertEquals([client.runstate, time.waiting], ["idle", 0]);
    await connection.closed;
  });
}

Deno.test("disconnect() is the end while a session ends whose onConnect() has failed", async () => {
  using time = new VirtualTime();
  const transport = memory();
  await using _serving = await served(transport);
  const client = new Peer({ codec });
  const connection = reconnecting(client, transport, {
    onConnect: () => {
      client.signal.addEventListener("abort", () => client.disconnect());
      throw new Error("not ready");
    },
  });
  const { closed } = connection;
  await turns();
  time.pass(60_000);
  await turns();
  assertEquals([client.runstate, time.waiting], ["idle", 0]);
  await closed;
});

Deno.test("after disconnect(), a protocol can be connected by hand at once", async () => {
  const transport = memory();
  await using serving = await served(transport);
  for (const to of [transport, waiting()]) {
    const client = new Peer({ codec });
    const connection = reconnecting(client, to, atOnce);
    await turns();
    const idle = (async () => {
      for await (const state of client.runstates()) {
        if (state === "idle") return await client.connect(transport);
      }
    })();
    await client.disconnect();
    await idle;
    await connection.closed;
    await turns();
    assertEquals(client.runstate, "running");
    await serving.cut(client);
    await rejection(client.disconnect());
  }
});

Deno.test("disconnect() with a reason is a failure, and goes on to the next attempt", async () => {
  using time = new VirtualTime();
  const reason = new Error("a pong is missing");
  const transport = memory();
  await using _serving = await served(transport);
  const attempts = [waiting(), transport, transport];
  const client = new Peer({ codec });
  await using _connection = reconnecting(client, {
    connect: (options) => (attempts.shift() ?? transport).connect(options),
    listen: () => transport.listen(),
  });
  const pause = () => {
    assertEquals([client.runstate, time.waiting], ["idle", 1]);
    time.pass(60_000);
  };
  for (const state of ["connecting", "idle", "running"]) {
    if (state === "running") pause();
    await turns();
    assertEquals(client.runstate, state);
    await client.disconnect({ reason });
    await turns();
  }
  pause();
  await turns();
  assertEquals([client.runstate, attempts.length], ["running", 0]);
});

Deno.test("a protocol that is running already is connected again, too", async () => {
  const transport = memory();
  await using serving = await served(transport);
  const client = new Peer({ codec });
  await client.connect(transport);
  await using connection = reconnecting(client, transport, atOnce);
  await connection.connected();
  assertEquals(serving.server.sessions.size, 1);
  await serving.cut(client);
  await connection.connected();
});

Deno.test("disposing stops an attempt, and a pause", async () => {
  using time = new VirtualTime();
  for (const to of [waiting(), failing(new Error("refused"))]) {
    const client = new Peer({ codec });
    const connection = reconnecting(client, to);
    const connected = rejection(connection.connected());
    await turns();
    await connection[Symbol.asyncDispose]();
    await connection.closed;
    assertInstanceOf(await connected, StateError);
    assertEquals([client.runstate, time.waiting], ["idle", 0]);
  }
});

Deno.test("an aborted connected() rejects with the reason, and keeps no listener", async () => {
  const watched = new WatchedSignal();
  const connection = reconnecting(new Peer({ codec }), waiting());
  const connected = connection.connected({ signal: watched.signal });
  watched.abort();
  assertStrictEquals(await rejection(connected), watched.signal.reason);
  assertEquals(watched.listeners, 0);
  await connection[Symbol.asyncDispose]();
});

/** The bounds of the pauses if the server ends each session after a while. */
async function pauses(count: number, lifetime: number): Promise<number[]> {
  using time = new VirtualTime();
  const random = Math.random;
  Math.random = () => 0; // The longest pause that the bound allows.
  const found: number[] = [];
  try {
    const client = new Peer({ codec });
    let server = new Peer({ codec });
    const connection = reconnecting(client, {
      connect: async () => {
        const [near, far] = memoryPair();
        server = new Peer({ codec });
        await server.connect(far);
        return near;
      },
      listen: () => memory().listen(),
    }, { initialDelay: 100, maxDelay: 1_000 });
    while (found.length < count) {
      await connection.connected();
      time.pass(lifetime);
      await server.disconnect();
      for (let n = 0; n < 10; n++) await turns();
      let pause = 0;
      for (; client.runstate !== "running"; pause += 50) {
        time.pass(50);
        for (let n = 0; n < 5; n++) await turns();
      }
      found.push(pause);
    }
    await connection[Symbol.asyncDispose]();
  } finally {
    Math.random = random;
  }
  return found;
}

Deno.test("pauses grow while sessions end soon, and are short again after a longer session", async () => {
  assertEquals(await pauses(6, 1_000), [100, 200, 400, 800, 1_000, 1_000]);
  assertEquals(await pauses(3, 10_000), [100, 100, 100]);
});

Deno.test("a policy is checked", () => {
  const to = memory();
  const reconnect = (policy: object, transport: Transport = to) =>
    reconnecting(new Peer({ codec }), transport, policy as ReconnectPolicy);
  for (
    const [option, value] of [
      ["initialDelay", -1],
      ["initialDelay", 30_001],
      ["initialDelay", NaN],
      ["maxDelay", 0],
      ["maxDelay", Infinity],
      ["maxAttempts", 0],
    ] as const
  ) {
    assertThrows(
      () => reconnect({ [option]: value }),
      RangeError,
      `${option} is ${value}: it must be a number from`,
    );
  }
  for (const option of ["onConnect", "isRetriable"]) {
    assertThrows(() => reconnect({ [option]: 1 }), TypeError, `${option} is 1`);
  }
  assertThrows(
    () => reconnect({}, {} as Transport),
    TypeError,
    "to is [object Object]: it must be a Transport or a Listener",
  );
});

Deno.test("a protocol that is connecting is refused, and left alone", async () => {
  const client = new Peer({ codec });
  const aborting = new AbortController();
  const connecting = client.connect(waiting(), { signal: aborting.signal });
  assertThrows(() => reconnecting(client, memory()), StateError, "connecting");
  assertEquals(client.runstate, "connecting");
  aborting.abort();
  await rejection(connecting);
});

/** Tells when no session follows, and which errors last. */
class Lasting extends Peer<string> {
  readonly ends: unknown[] = [];
  protected override onSessionEnd(cause: unknown): void {
    super.onSessionEnd(cause);
    this.ends.push("session");
  }
  protected override onLastSessionEnd(cause: unknown): void {
    this.ends.push(cause);
  }
  protected override isRetriable(error: unknown): boolean {
    const cause = error instanceof ConnectError ? error.cause : error;
    const refused = cause instanceof Error &&
      cause.message === "wrong password";
    return !refused && super.isRetriable(error);
  }
}

Deno.test("a protocol that reconnecting() keeps connected is refused, until it is disconnected", async () => {
  const transport = memory();
  await using _ends = await served(transport);
  const client = new Peer({ codec });
  await using running = reconnecting(client, transport, atOnce);
  await running.connected();
  const again = () => reconnecting(client, transport, atOnce);
  assertThrows(again, StateError, "already kept connected");
  await client.disconnect();
  await using other = again();
  await other.connected();
});

Deno.test("onLastSessionEnd() is called with each session's end, where nothing reconnects", async () => {
  const client = new Lasting({ codec });
  for (let n = 0; n < 2; n++) {
    const [near, far] = memoryPair();
    await client.connect(near);
    await far.close();
    const cause = await rejection(client.closed);
    assertEquals(client.ends.splice(0), ["session", cause]);
    await client.disconnect().catch(() => {});
  }
});

Deno.test("onLastSessionEnd() is called once where reconnecting() goes on, when it is stopped", async () => {
  const transport = memory();
  await using serving = await served(transport);
  // Also a session that began before is not the last one.
  const client = new Lasting({ codec });
  await client.connect(transport);
  const connection = reconnecting(client, transport, atOnce);
  for (let n = 0; n < 2; n++) {
    await connection.connected();
    await turns(); // until the server knows the session
    await serving.cut(client);
  }
  await connection.connected();
  assertEquals(client.ends, ["session", "session"]);
  await connection[Symbol.asyncDispose]();
  const { reason } = client.signal;
  assertEquals(client.ends, ["session", "session", "session", reason]);

  // The next session has nobody who makes it again.
  await client.connect(transport);
  await turns();
  await serving.cut(client);
  assertEquals(client.ends.length, 6);
  await client.disconnect().catch(() => {});
});

Deno.test("onLastSessionEnd() is called when the protocol is disconnected while it is reconnected", async () => {
  const transport = memory();
  await using _serving = await served(transport);
  const client = new Lasting({ codec });
  const connection = reconnecting(client, transport, atOnce);
  await connection.connected();
  const reason = new Error("enough");
  await client.disconnect({ reason });
  // An end with a reason is a failure, after which another session follows.
  await connection.connected();
  assertEquals(client.ends, ["session"]);
  await client.disconnect();
  await connection.closed;
  assertEquals(client.ends, ["session", "session", client.signal.reason]);
});

Deno.test("a protocol says which errors are not worth another attempt, unless the policy decides", async () => {
  const refusals = [new Error("not yet"), new Error("wrong password")];
  const client = new Lasting({ codec });
  const to = failing(...refusals);
  const connection = reconnecting(client, to, atOnce);
  const error = await rejection(connection.closed);
  assertInstanceOf(error, ConnectError);
  assertEquals([error.cause, to.attempts], [refusals[1], 2]);
  assertEquals(client.ends, [error]);

  const again = failing(...refusals, new Error("other"));
  const policy = { ...atOnce, maxAttempts: 3, isRetriable: () => true };
  await rejection(reconnecting(client, again, policy).closed);
  assertEquals(again.attempts, 3);
});

Deno.test("an onLastSessionEnd() that throws does not hide the failure", async () => {
  class Throwing extends Lasting {
    protected override onLastSessionEnd(cause: unknown): void {
      super.onLastSessionEnd(cause);
      throw new Error("a mistake");
    }
  }
  const client = new Throwing({ codec });
  const to = failing(new Error("wrong password"));
  const error = await rejection(reconnecting(client, to, atOnce).closed);
  assertEquals(client.ends, [error]);
});
