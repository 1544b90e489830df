import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import type { LogRecord } from "@logtape/logtape";
import {
  ConnectError,
  DecodeError,
  jsonLines,
  Peer,
  serve,
} from "../../protocol/mod.ts";
import { type Connection, memory } from "../../transports/mod.ts";
import { changedListener } from "../support/transports/changed_listener.ts";
import { logged } from "../support/protocol/logged.ts";
import { jsonPeer } from "../support/protocol/session.ts";
import { turns } from "../support/turns.ts";

class Failing extends Peer<unknown> {
  constructor() {
    super({ codec: () => jsonLines() });
  }
  protected override async negotiate(): Promise<void> {
    const hello = await this.receive();
    if (hello !== "hello") throw new Error("wrong version");
  }
  protected override async onMessage(message: unknown): Promise<void> {
    if (message === "fail") throw new Error("asked to fail");
    await this.send(message);
  }
}

interface Told {
  error: unknown;
  session: Failing | undefined;
}

/** The errors that a server reports while each client sends its lines. */
async function served(
  conversations: string[],
  options: { onError?: (error: unknown, session?: Failing) => void } = {},
): Promise<{ records: LogRecord[]; sessions: Failing[] }> {
  const sessions: Failing[] = [];
  const records = await logged("info", async () => {
    const transport = memory();
    const server = serve(await transport.listen(), () => {
      const session = new Failing();
      sessions.push(session);
      return session;
    }, options);
    for (const conversation of conversations) {
      const connection = await transport.connect();
      const writer = connection.writable.getWriter();
      await writer.write(new TextEncoder().encode(conversation))
        .catch(() => {});
      await writer.close().catch(() => {});
      for (let n = 0; n < 10; n++) await turns();
      await connection.close();
    }
    await server.shutdown();
  });
  return { records, sessions };
}

Deno.test("onError() gets the error and the session of each failure, and nothing is logged at error", async () => {
  const told: Told[] = [];
  const { records, sessions } = await served([
    '"hello"\n"fail"\n',
    '"goodbye"\n',
    '"hello"\n{]\n',
  ], { onError: (error, session) => told.push({ error, session }) });
  assertEquals(told.map(({ session }) => session), sessions);
  const [handler, negotiation, decode] = told.map(({ error }) => error);
  assertInstanceOf(handler, Error);
  assertEquals(handler.message, "asked to fail");
  assertInstanceOf(negotiation, ConnectError);
  assertInstanceOf(negotiation.cause, Error);
  assertEquals(negotiation.cause.message, "wrong version");
  assertInstanceOf(decode, DecodeError);
  assertEquals(records.filter(({ level }) => level !== "info"), []);
});

Deno.test("onError() is not called if the peer or shutdown() ends a session", async () => {
  const told: unknown[] = [];
  const { sessions } = await served([
    '"hello"\n',
    '"hello"\n"again"\n',
  ], { onError: (error) => told.push(error) });
  assertEquals([sessions.length, told], [2, []]);

  const transport = memory();
  const server = serve(await transport.listen(), () => new Failing(), {
    onError: (error) => told.push(error),
  });
  const running = jsonPeer();
  const negotiating = jsonPeer();
  await running.connect(transport);
  await running.send("hello");
  await running.send("echo");
  assertEquals(await running.receive(), "echo");
  await negotiating.connect(transport);
  await turns();
  await server.shutdown();
  await running.disconnect().catch(() => {});
  await negotiating.disconnect().catch(() => {});
  assertEquals(told, []);
});

Deno.test("without onError(), a failure of a session is logged once, at error level, with its stack", async () => {
  const { records } = await served(['"hello"\n"fail"\n', '"goodbye"\n']);
  const failures = records.filter(({ level }) => level === "error");
  assertEquals(failures.length, 2);
  for (const { message } of failures) {
    const error = message[1];
    assertInstanceOf(error, Error);
    assert(error.stack?.includes("\n    at "));
  }
});

Deno.test("onError() gets errors of create() and accept(), without a session", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const cannotAccept = new Error("no file descriptor");
  const cannotCreate = new Error("cannot create");
  const told: unknown[][] = [];
  const failures = [cannotAccept];
  const failing = changedListener(listener, {
    accept: async (options) => {
      const failure = failures.shift();
      if (failure) throw failure;
      return await listener.accept(options);
    },
  });
  const server = serve(failing, () => {
    throw cannotCreate;
  }, { onError: (...args) => told.push(args) });
  const connection = await transport.connect();
  while (told.length < 2) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertEquals(told, [[cannotAccept, undefined], [cannotCreate, undefined]]);
  connection.abort();
  await server.shutdown();
});

Deno.test("an error of onError(), also of an async one, is logged, and the server goes on", async () => {
  let calls = 0;
  const { records, sessions } = await served(
    ['"hello"\n"fail"\n', '"hello"\n"fail"\n'],
    {
      onError: () => {
        const error = new Error("onError has failed");
        if (calls++ > 0) return Promise.reject(error);
        throw error;
      },
    },
  );
  assertEquals(sessions.length, 2);
  const failures = records.filter(({ level }) => level === "error");
  assertEquals(failures.map(({ message }) => message[0]), [
    "onError() failed: ",
    "onError() failed: ",
  ]);
});

Deno.test("create() gets the connection of its session", async () => {
  const transport = memory({ name: "with-address" });
  const given: Connection[] = [];
  const server = serve(await transport.listen(), (connection) => {
    given.push(connection);
    return new Failing();
  });
  const client = jsonPeer();
  await client.connect(transport);
  await client.send("hello");
  await client.send(1);
  assertEquals(await client.receive(), 1);
  assertEquals(given.length, 1);
  const [session] = server.sessions;
  assertStrictEquals(session?.remoteAddress, given[0]?.remoteAddress);
  await client.disconnect();
  await server.shutdown();
});

Deno.test("an onError that is not a function is refused", async () => {
  await using listener = await memory().listen();
  const onError = "log" as unknown as () => void;
  assertThrows(
    () => serve(listener, () => new Failing(), { onError }),
    TypeError,
    'onError is "log": it must be a function',
  );
});
