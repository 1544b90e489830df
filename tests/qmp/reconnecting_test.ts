import {
  assert,
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
  StateError,
  type Transport,
} from "../../protocol/mod.ts";
import { launch } from "../../qmp/launch.ts";
import {
  ExecInterruptedError,
  QMPClient,
  QMPServer,
  reconnecting,
} from "../../qmp/mod.ts";
import { memory, memoryPair, unix } from "../../transports/mod.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { needs, startQemuDialling } from "../support/qemu.ts";
import { event, Script } from "../support/qmp_script.ts";
import { RealProcess } from "../support/real_process.ts";
import { recordRunstates } from "../support/session.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { turns } from "../support/turns.ts";

/** Retries come at once: no test waits for a clock. */
const policy = { initialDelay: 0 };

/** A server whose sessions a test ends, and whose events it sends. */
async function startServer(transport: Transport): Promise<QMPServer> {
  const server = new QMPServer({
    commands: {
      stop: (_, { server }) => server.emit("STOP"),
      hang: (_, { signal }) =>
        new Promise((resolve) =>
          signal.addEventListener("abort", () => resolve({}))
        ),
    },
  });
  server.serve(await transport.listen());
  return server;
}

/** Ends every session of a server, and waits until the client has lost its own. */
async function cutSessions(server: QMPServer, client: QMPClient) {
  const { closed } = client;
  for (const session of server.sessions) await session.disconnect();
  await assertRejects(() => closed, EndOfStreamError);
}

/** A transport to nowhere that counts how often it has been tried. */
function unreachable(): Transport & { attempts: number } {
  return {
    attempts: 0,
    connect() {
      this.attempts++;
      return Promise.reject(new Error("Nobody there"));
    },
    listen: () => Promise.reject(new Error("Nobody there")),
  };
}

Deno.test("reconnecting() connects a client, and again when its session is lost", async () => {
  const transport = memory();
  await using server = await startServer(transport);
  const client = new QMPClient();
  const states = recordRunstates(client);
  {
    await using connection = reconnecting(client, transport, policy);
    for (let session = 0; session < 3; session++) {
      await connection.connected();
      assertEquals(client.greeting?.QMP.version.package, "Parley");
      assertEquals(await client.execute("stop"), {});
      await cutSessions(server, client);
      await turns();
    }
    await connection.connected();
  }
  const once = ["connecting", "running", "disconnecting", "idle"];
  assertEquals(await states.stop(), [...once, ...once, ...once, ...once]);
});

Deno.test("a listener of a reconnection gets the events of every session, in order", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const client = new QMPClient();
  const connection = reconnecting(client, transport, policy);
  const all = connection.listen();
  const two = connection.listen(["TWO", "FOUR"]);
  for (const names of [["ONE", "TWO"], ["THREE", "FOUR"]] as const) {
    const server = await Script.over(await listener.accept());
    server.send(event(names[0])); // before the greeting
    await server.shakeHands();
    server.send(event(names[1]));
    await two.next();
    await server.end();
  }
  assertEquals(all.closed, false);
  await connection[Symbol.asyncDispose]();
  assertEquals(
    (await Array.fromAsync(all)).map(({ event }) => event),
    ["ONE", "TWO", "THREE", "FOUR"],
  );
  assert(all.closed);
  await listener.close();
});

Deno.test("a listener of a reconnection is bounded in bytes over all sessions", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const connection = reconnecting(new QMPClient(), transport, policy);
  const events = connection.listen(undefined, { maxBytes: 2_000 });
  const text = "x".repeat(800);
  for (const name of ["ONE", "TWO", "THREE", "FOUR"]) {
    const server = await Script.over(await listener.accept());
    server.send(event(name, { text }));
    await server.shakeHands();
    await connection.connected();
    await server.end();
  }
  await connection[Symbol.asyncDispose]();
  assertEquals(events.dropped, 2);
  assertEquals(events.clear().map(({ event }) => event), ["THREE", "FOUR"]);
  await listener.close();
});

Deno.test("a client that is running already is connected again, too", async () => {
  const transport = memory();
  await using server = await startServer(transport);
  const client = new QMPClient();
  await client.connect(transport);
  const session = client.signal;
  await using connection = reconnecting(client, transport, policy);
  const stops = connection.listen("STOP");
  await client.execute("stop");
  await stops.next();
  assertStrictEquals(client.signal, session);
  await cutSessions(server, client);
  await turns();
  await connection.connected();
  await client.execute("stop");
  await stops.next();
});

Deno.test("a command that is pending when the session is lost is rejected, not repeated", async () => {
  const transport = memory();
  await using server = await startServer(transport);
  const client = new QMPClient();
  await using connection = reconnecting(client, transport, policy);
  await connection.connected();
  const hanging = assertRejects(
    () => client.execute("hang"),
    ExecInterruptedError,
  );
  await turns();
  await cutSessions(server, client);
  assert((await hanging).sent);
  await turns();
  await connection.connected();
  assertEquals(await client.execute("stop"), {});
});

Deno.test("connected() waits for the next session as soon as a command is interrupted", async () => {
  const transport = memory();
  await using server = await startServer(transport);
  const client = new QMPClient();
  await using connection = reconnecting(client, transport, policy);
  for (let session = 0; session < 3; session++) {
    await connection.connected();
    const hanging = assertRejects(
      () => client.execute("hang"),
      ExecInterruptedError,
    );
    const ended = Array.from(server.sessions, (one) => one.disconnect());
    await hanging;
    await connection.connected();
    assertEquals(await client.execute("stop"), {});
    await Promise.all(ended);
  }
});

const ends = {
  quit: "its session has ended in order",
  disconnect: "it was disconnected",
};
for (const end of ["quit", "disconnect"] as const) {
  Deno.test(`a session that ends in order, by ${end}(), is the last`, async () => {
    const transport = memory();
    await using _server = await startServer(transport);
    const client = new QMPClient();
    await using connection = reconnecting(client, transport, policy);
    const listener = connection.listen();
    await connection.connected();
    await client[end]();
    await connection.closed;
    assertEquals(await Array.fromAsync(listener), []);
    const error = await assertRejects(
      () => connection.connected(),
      StateError,
    );
    assertEquals(
      error.message,
      `QMPClient is not connected again: ${ends[end]}`,
    );
  });
}

Deno.test("a session that ends after SHUTDOWN is the last", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const client = new QMPClient();
  await using connection = reconnecting(client, transport, policy);
  const events = connection.listen();
  const server = await Script.over(await listener.accept());
  await server.shakeHands();
  server.send(event("SHUTDOWN"));
  await server.end();
  await connection.closed;
  assertEquals((await Array.fromAsync(events)).length, 1);
  await listener.close();
});

Deno.test("with afterShutdown, a client is connected again after SHUTDOWN, but not after quit() or disconnect()", async () => {
  for (const end of ["quit", "disconnect"] as const) {
    const transport = memory();
    const listener = await transport.listen();
    const client = new QMPClient();
    const states = recordRunstates(client);
    await using connection = reconnecting(client, transport, {
      ...policy,
      afterShutdown: true,
    });
    const events = connection.listen();
    let server = await Script.over(await listener.accept());
    for (let session = 0; session < 2; session++) {
      await server.shakeHands();
      server.send(event("SHUTDOWN"));
      await server.end();
      server = await Script.over(await listener.accept());
    }
    await server.shakeHands();
    await connection.connected();
    server.send(event("SHUTDOWN"));
    await client.events.next("SHUTDOWN");
    const ended = client[end]();
    if (end === "quit") server.answer(await server.command());
    await server.end();
    await ended;
    await connection.closed;
    assertEquals((await Array.fromAsync(events)).length, 3);
    const once = ["connecting", "running", "disconnecting", "idle"];
    const all = [...once, ...once, ...once];
    await client.disconnect();
    const seen = await states.stop();
    assertEquals(seen.slice(0, 11), all.slice(0, 11));
    await listener.close();
  }
});

Deno.test("after maxAttempts, connected() rejects with the error of the last attempt", async () => {
  const transport = unreachable();
  const client = new QMPClient();
  await using connection = reconnecting(client, transport, {
    ...policy,
    maxAttempts: 3,
  });
  const listener = connection.listen();
  const error = await assertRejects(
    () => connection.connected(),
    ConnectError,
  );
  assertEquals(error.message, "Failed to establish connection: Nobody there");
  assertStrictEquals(
    await connection.closed.catch((reason) => reason),
    error,
  );
  assertEquals(transport.attempts, 3);
  const ended = await assertRejects(() => listener.next(), EndOfStreamError);
  assertStrictEquals(ended.cause, error);
  assertEquals(client.runstate, "idle");
});

Deno.test("a missing permission is not retried", async () => {
  const client = new QMPClient();
  const denied = Object.assign(new Error("No"), { name: "NotCapable" });
  const transport = unreachable();
  transport.connect = () => {
    transport.attempts++;
    return Promise.reject(denied);
  };
  await using connection = reconnecting(client, transport, policy);
  const error = await assertRejects(() => connection.closed, ConnectError);
  assertStrictEquals(error.cause, denied);
  assertEquals(transport.attempts, 1);
});

Deno.test("pauses grow to their limit, and are random below it", async () => {
  const random = Math.random;
  using time = new VirtualTime();
  try {
    Math.random = () => 0.25;
    const transport = unreachable();
    const connection = reconnecting(new QMPClient(), transport, {
      initialDelay: 100,
      maxDelay: 300,
    });
    for (const [index, longest] of [100, 200, 300, 300].entries()) {
      await turns();
      assertEquals(transport.attempts, index + 1);
      time.pass(longest * 0.75 - 1);
      await turns();
      assertEquals(transport.attempts, index + 1);
      time.pass(1);
      await turns();
      assertEquals(transport.attempts, index + 2);
    }
    await connection[Symbol.asyncDispose]();
    assertEquals(time.waiting, 0);
  } finally {
    Math.random = random;
  }
});

/** A transport whose server negotiates, and which a test ends. */
function negotiating(): { transport: Transport; servers: Script[] } {
  const servers: Script[] = [];
  const transport: Transport = {
    async connect() {
      const [near, far] = memoryPair();
      const server = await Script.over(far);
      servers.push(server);
      server.shakeHands();
      return near;
    },
    listen: () => Promise.reject(new Error("Not for listening")),
  };
  return { transport, servers };
}

Deno.test("pauses grow if a server negotiates and ends at once", async () => {
  const random = Math.random;
  using time = new VirtualTime();
  try {
    Math.random = () => 0;
    const { transport, servers } = negotiating();
    const client = new QMPClient();
    await using connection = reconnecting(client, transport, {
      initialDelay: 100,
      maxDelay: 350,
    });
    for (const [index, pause] of [100, 200, 350, 350].entries()) {
      await connection.connected();
      assertEquals(servers.length, index + 1);
      await servers.at(-1)?.end();
      await turns();
      time.pass(pause - 1);
      await turns();
      assertEquals(servers.length, index + 1);
      time.pass(1);
      await turns();
      assertEquals(servers.length, index + 2);
    }
  } finally {
    Math.random = random;
  }
});

Deno.test("pauses are short again after a session of 10 seconds", async () => {
  const random = Math.random;
  using time = new VirtualTime();
  try {
    Math.random = () => 0;
    const { transport, servers } = negotiating();
    const client = new QMPClient();
    await using connection = reconnecting(client, transport, {
      initialDelay: 100,
    });
    for (
      const [lifetime, pause] of [
        [0, 100],
        [9_999, 200],
        [10_000, 100],
        [5_000, 200],
        [5_000, 400],
        [20_000, 100],
      ] as const
    ) {
      await connection.connected();
      time.pass(lifetime);
      const { length } = servers;
      await servers.at(-1)?.end();
      await turns();
      time.pass(pause - 1);
      await turns();
      assertEquals(servers.length, length);
      time.pass(1);
      await turns();
      assertEquals(servers.length, length + 1);
    }
    await connection[Symbol.asyncDispose]();
    assertEquals(time.waiting, 0);
  } finally {
    Math.random = random;
  }
});

Deno.test("a reconnection that is disposed of while it pauses or connects stops at once", async () => {
  const pausing = reconnecting(new QMPClient(), unreachable(), {
    initialDelay: 1e6,
    maxDelay: 1e6,
  });
  await turns();
  await pausing[Symbol.asyncDispose]();
  await pausing.closed;

  const transport = memory();
  await using _silent = await transport.listen();
  const client = new QMPClient();
  const connecting = reconnecting(client, transport);
  await turns();
  assertEquals(client.runstate, "connecting");
  await connecting[Symbol.asyncDispose]();
  await connecting.closed;
  assertEquals(client.runstate, "idle");
});

Deno.test("an aborted connected() leaves no listener on the signal", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const client = new QMPClient();
  await using connection = reconnecting(client, transport, policy);
  const aborted = new WatchedSignal();
  const waiting = connection.connected({ signal: aborted.signal });
  aborted.abort("Mine");
  assertEquals(await waiting.catch((reason) => reason), "Mine");
  const watched = new WatchedSignal();
  const connected = connection.connected({ signal: watched.signal });
  const server = await Script.over(await listener.accept());
  await server.shakeHands();
  await connected;
  assertEquals([aborted.listeners, watched.listeners], [0, 0]);
  await client.disconnect();
  await server.end();
  await listener.close();
});

Deno.test("a closed listener is not retried", async () => {
  const listener = await memory().listen();
  await using connection = reconnecting(new QMPClient(), listener, policy);
  const rejected = assertRejects(() => connection.connected(), ConnectError);
  await listener.close();
  assertEquals(
    (await rejected).message,
    "Failed to establish connection: " +
      "Accept at memory:anonymous: the listener is closed",
  );
  await assertRejects(() => connection.closed, ConnectError);
});

Deno.test("with a listener, the server can dial again, and the listener stays open", async () => {
  const transport = memory();
  const listener = await transport.listen();
  {
    const client = new QMPClient();
    await using connection = reconnecting(client, listener, policy);
    for (let dial = 0; dial < 2; dial++) {
      const server = await Script.over(await transport.connect());
      await server.shakeHands();
      await connection.connected();
      const { closed } = client;
      await server.end();
      await assertRejects(() => closed, EndOfStreamError);
      await turns();
    }
  }
  const [near, far] = await Promise.all([
    listener.accept(),
    transport.connect(),
  ]);
  await Promise.all([near.close(), far.close()]);
  await listener.close();
});

Deno.test("a client that is neither idle nor running, and an invalid policy, are refused", async () => {
  const transport = memory();
  await using _silent = await transport.listen();
  const client = new QMPClient();
  const aborter = new AbortController();
  const connecting = client.connect(transport, aborter);
  const error = assertThrows(
    () => reconnecting(client, transport),
    StateError,
  );
  assertEquals(
    error.message,
    "Cannot reconnect: QMPClient is connecting: it must be idle or running",
  );
  aborter.abort("Enough");
  assertEquals(await connecting.catch((reason) => reason), "Enough");

  const policies: [object, string][] = [
    [{ initialDelay: -1 }, "initialDelay is -1"],
    [{ initialDelay: 2, maxDelay: 1 }, "initialDelay is 2"],
    [{ initialDelay: 0, maxDelay: 0 }, "maxDelay is 0"],
    [{ maxDelay: Infinity }, "maxDelay is Infinity"],
    [{ maxAttempts: 0 }, "maxAttempts is 0"],
    [{ maxAttempts: 1.5 }, "maxAttempts is 1.5"],
  ];
  for (const [policy, message] of policies) {
    const error = assertThrows(
      () => reconnecting(client, transport, policy),
      RangeError,
    );
    assertStringIncludes(
      error.message,
      `Cannot use the option: ${message}: it must be`,
    );
  }
});

Deno.test({
  name: "a client connects to the next QEMU after one was killed",
  ...needs("qemu-system-x86_64"),
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "parley-" });
    const path = `${folder}/socket`;
    const args = "-machine none -nodefaults -display none -S -qmp".split(" ");
    const start = (name: string) =>
      launch({
        args: [...args, `unix:${path},server=on,wait=off`, "-name", name],
      });
    const client = new QMPClient({ handshakeTimeout: 1_000 });
    const connection = reconnecting(client, unix({ path }), {
      initialDelay: 10,
    });
    const resumes = connection.listen("RESUME");
    for (const name of ["first", "second"]) {
      const qemu = await start(name);
      await connection.connected();
      assertEquals(await client.execute("query-name"), { name });
      await client.execute("cont");
      await resumes.next();
      const { closed } = client;
      Deno.kill(qemu.pid, "SIGKILL");
      assertInstanceOf(await closed.catch((error) => error), Error);
      await qemu[Symbol.asyncDispose]();
    }
    await connection[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name: "a client connects to the next storage daemon after one was killed",
  ...needs("qemu-storage-daemon"),
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "parley-" });
    const path = `${folder}/socket`;
    const client = new QMPClient();
    const connection = reconnecting(client, unix({ path }), {
      initialDelay: 10,
    });
    const jobs = connection.listen("JOB_STATUS_CHANGE", {
      filter: ({ data }) => data?.status === "concluded",
    });
    for (const name of ["first", "second", "third"]) {
      await using daemon = await RealProcess.start({
        program: "qemu-storage-daemon",
        args: () => [
          ...["--chardev", `socket,id=m,path=${path},server=on,wait=on`],
          ...["--monitor", "chardev=m"],
        ],
      });
      await connection.connected();
      await client.execute("blockdev-create", {
        "job-id": name,
        options: { driver: "file", filename: `${folder}/${name}`, size: 512 },
      });
      assertEquals((await jobs.next()).data?.id, name);
      const lost = assertRejects(() => client.closed);
      daemon.kill("SIGKILL");
      await lost;
    }
    assertEquals([jobs.dropped, jobs.closed], [0, false]);
    await connection[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name: "a client accepts one dialling QEMU after the other",
  ...needs("qemu-system-x86_64"),
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "parley-" });
    {
      await using listener = await unix({ path: `${folder}/socket` }).listen();
      const client = new QMPClient();
      await using connection = reconnecting(client, listener);
      const resumes = connection.listen("RESUME");
      for (let time = 0; time < 3; time++) {
        await using qemu = await startQemuDialling(listener.address);
        await connection.connected();
        await client.execute("cont");
        await resumes.next();
        const lost = assertRejects(() => client.closed);
        qemu.kill("SIGKILL");
        await lost;
      }
    }
    await Deno.remove(folder); // The listener has removed its file.
  },
});
