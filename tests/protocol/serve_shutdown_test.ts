import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  ConnectError,
  EndOfStreamError,
  lines,
  Peer,
  serve,
  type ServeOptions,
} from "../../protocol/mod.ts";
import { memory } from "../../transports/mod.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { write } from "../support/protocol/session.ts";
import { turns } from "../support/turns.ts";
import { VirtualTime } from "../support/virtual_time.ts";

/** Answers each line when the test lets it. */
class Answering extends Peer<string> {
  readonly asked: PromiseWithResolvers<void>[] = [];
  negotiation: Promise<void> = Promise.resolve();
  told = 0;
  onTold: () => void | Promise<void> = () => {};

  constructor() {
    super({ codec: lines });
  }
  protected override negotiate(): Promise<void> {
    return this.negotiation;
  }
  protected override async onMessage(line: string): Promise<void> {
    const answer = Promise.withResolvers<void>();
    this.asked.push(answer);
    await answer.promise;
    await this.send(line.toUpperCase());
  }
  protected override onShutdown(): void | Promise<void> {
    this.told++;
    return this.onTold();
  }
}

/** A server, and a way to connect to it. */
async function serving<P extends Peer<string>>(
  create: () => P,
  options: ServeOptions<P> = {},
) {
  const transport = memory();
  const sessions: P[] = [];
  const server = serve(await transport.listen(), () => {
    const session = create();
    sessions.push(session);
    return session;
  }, options);
  const connect = async () => {
    const client = new Peer({ codec: lines });
    await client.connect(transport);
    await turns();
    const session = sessions.at(-1);
    if (!session) throw new Error("No session was created");
    return { client, session };
  };
  return { transport, server, connect };
}

async function settles(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => settled = true;
  promise.then(settle, settle);
  for (let n = 0; n < 10; n++) await turns();
  return settled;
}

Deno.test("shutdown() ends idle sessions at once", async () => {
  using time = new VirtualTime();
  const { transport, server, connect } = await serving(() => new Answering());
  const silent = await connect();
  const answered = await connect();
  const asking = answered.client.send("hello");
  await turns();
  answered.session.asked[0]?.resolve();
  assertEquals(await answered.client.receive(), "HELLO");
  await asking;
  assertEquals(await settles(server.shutdown()), true);
  for (const { client, session } of [silent, answered]) {
    assertEquals(session.told, 1);
    assertEquals(session.runstate, "idle");
    await assertRejects(() => client.disconnect(), EndOfStreamError);
  }
  await server.closed;
  await server.shutdown();
  assertEquals(time.waiting, 0);
  await using _free = await transport.listen();
});

Deno.test("shutdown() accepts no more connections, and lets a handler finish", async () => {
  const { transport, server, connect } = await serving(() => new Answering());
  const { client, session } = await connect();
  await client.send("one");
  await client.send("two");
  await turns();
  const shutdowns = [server.shutdown(), server.shutdown()];
  await assertRejects(
    () => new Peer({ codec: lines }).connect(transport),
    ConnectError,
  );
  assertEquals(await settles(server.closed), false);
  for (const answer of ["ONE", "TWO"]) {
    session.asked.at(-1)?.resolve();
    assertEquals(await client.receive(), answer);
    await turns();
  }
  await Promise.all(shutdowns);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

Deno.test("shutdown() waits for the rest of an incomplete message", async () => {
  const { transport, server } = await serving(() => new Answering());
  const session = new Promise<Answering>((resolve) => {
    const find = () => {
      for (const session of server.sessions) return resolve(session);
      turns().then(find);
    };
    find();
  });
  const connection = await transport.connect();
  await write(connection, "hel");
  const { asked } = await session;
  await turns();
  const shutdown = server.shutdown();
  assertEquals(await settles(shutdown), false);
  await write(connection, "lo\n");
  await turns();
  asked[0]?.resolve();
  const chunks = [];
  for await (const chunk of connection.readable) chunks.push(...chunk);
  assertEquals(new TextDecoder().decode(new Uint8Array(chunks)), "HELLO\n");
  await shutdown;
  await connection.close();
});

Deno.test("shutdown() sends all queued messages", async () => {
  const { transport, server } = await serving(() => new Answering());
  const connection = await transport.connect();
  while (server.sessions.size === 0) await turns();
  const [session] = server.sessions;
  session?.send("x".repeat(1_000_000));
  const shutdown = server.shutdown();
  assertEquals(await settles(shutdown), false);
  let received = 0;
  for await (const chunk of connection.readable) received += chunk.length;
  assertEquals(received, 1_000_001);
  await shutdown;
  await connection.close();
});

Deno.test("shutdown() waits for the promise of onShutdown()", async () => {
  const { server, connect } = await serving(() => new Answering());
  const { client, session } = await connect();
  const work = Promise.withResolvers<void>();
  session.onTold = () => work.promise;
  const shutdown = server.shutdown();
  assertEquals(await settles(shutdown), false);
  session.send("the last word");
  work.resolve();
  await shutdown;
  assertEquals(await client.receive(), "the last word");
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

Deno.test("an error thrown by onShutdown() ends its session", async () => {
  const errors: unknown[] = [];
  const { server, connect } = await serving(() => new Answering(), {
    onError: (error) => errors.push(error),
  });
  const error = new Error("cannot shut down");
  for (
    const fail of [() => Promise.reject(error), () => {
      throw error;
    }]
  ) {
    const { session } = await connect();
    session.onTold = fail;
  }
  await server.shutdown();
  assertEquals(errors, [error, error]);
});

Deno.test("shutdown() lets a loop over a Peer's messages finish with its current message", async () => {
  const { server, connect } = await serving(() => new Peer({ codec: lines }));
  const { client, session } = await connect();
  const work = Promise.withResolvers<void>();
  const loop = (async () => {
    for await (const line of session) {
      await work.promise;
      await session.send(line.toUpperCase());
    }
  })();
  await client.send("one");
  await client.send("two");
  await turns();
  const shutdown = server.shutdown();
  assertEquals(await settles(shutdown), false);
  work.resolve();
  assertEquals(await client.receive(), "ONE");
  assertEquals(await client.receive(), "TWO");
  await shutdown;
  await loop;
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

Deno.test("shutdown() disconnects busy sessions in order after shutdownTimeout", async () => {
  using time = new VirtualTime();
  const { server, connect } = await serving(() => new Answering());
  const { client, session } = await connect();
  await client.send("hello");
  await turns();
  const shutdown = server.shutdown();
  time.pass(4_999);
  assertEquals(await settles(shutdown), false);
  time.pass(1);
  assertEquals(await settles(shutdown), true);
  session.asked[0]?.resolve();
  await assertRejects(() => client.disconnect(), EndOfStreamError);
  assertEquals(time.waiting, 0);
});

Deno.test("shutdown() with an aborted signal disconnects at once, and keeps no listener on it", async () => {
  const { server, connect } = await serving(() => new Answering(), {
    shutdownTimeout: 2 ** 31 - 1,
  });
  const { client, session } = await connect();
  await client.send("hello");
  await turns();
  const watched = new WatchedSignal();
  const shutdown = server.shutdown({ signal: watched.signal });
  assertEquals(await settles(shutdown), false);
  watched.abort();
  await shutdown;
  session.asked[0]?.resolve();
  await assertRejects(() => client.disconnect(), EndOfStreamError);
  await server.shutdown({ signal: AbortSignal.abort() });
  assertEquals(watched.listeners, 0);
});

Deno.test("shutdown() ends within its deadlines even if a client neither reads nor ends, and a handler never settles", async () => {
  using time = new VirtualTime();
  const { transport, server } = await serving(() => new Answering());
  const unread = await transport.connect();
  const asking = await transport.connect();
  while (server.sessions.size < 2) await turns();
  const [stuck, handling] = [...server.sessions];
  stuck?.send("x".repeat(1_000_000));
  await write(asking, "never answered\n");
  await turns();
  assertEquals(handling?.asked.length, 1);
  const shutdown = server.shutdown();
  await turns();
  time.pass(5_000); // shutdownTimeout
  assertEquals(await settles(shutdown), false);
  time.pass(5_000); // closeTimeout
  assertEquals(await settles(shutdown), true);
  assertEquals(time.waiting, 0);
  await unread.close();
  await asking.close();
});

Deno.test("shutdown() ends a session in negotiation at once", async () => {
  const { server, connect } = await serving(() => {
    const session = new Answering();
    session.negotiation = new Promise(() => {});
    return session;
  });
  const { client } = await connect();
  assertEquals(await settles(server.shutdown()), true);
  assertStrictEquals(server.sessions.size, 0);
  await assertRejects(() => client.closed, Deno.errors.ConnectionReset);
  await assertRejects(() => client.disconnect());
});
