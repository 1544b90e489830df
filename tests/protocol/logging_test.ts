import { getTextFormatter, type LogRecord } from "@logtape/logtape";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  AsyncProtocol,
  type Codec,
  ConnectError,
  lines,
  Peer,
  ProtocolError,
  serve,
} from "../../protocol/mod.ts";
import { logged } from "../support/protocol/logged.ts";
import { jsonPeer, runningPeer } from "../support/protocol/session.ts";
import { memory, memoryPair } from "../../transports/mod.ts";

function render(records: LogRecord[]): string[] {
  return records.map(({ level, message }) => {
    const text = message.map((part) =>
      typeof part === "string" ? part : JSON.stringify(part)
    );
    return `${level} ${text.join("")}`;
  });
}

Deno.test("a good session logs its transitions and messages at debug, its connect at info", async () => {
  const records = await logged("debug", async () => {
    const { peer, remote } = await runningPeer({ name: "vm" });
    await peer.send({ hello: 1 });
    await remote.writable.getWriter().write(new TextEncoder().encode("[2]\n"));
    await peer[Symbol.asyncIterator]().next();
    await peer.disconnect();
    await remote.close();
  });
  assertEquals(render(records), [
    "debug Transition from idle to connecting",
    "debug Transition from connecting to running",
    'info Session is established with {"transport":"memory","name":"anonymous"}',
    'debug → {"hello":1}',
    "debug ← [2]",
    "debug Transition from running to disconnecting",
    "debug Transition from disconnecting to idle",
  ]);
  for (const { category } of records) {
    assertEquals(category, ["parley", "protocol", "vm"]);
  }
});

Deno.test("a protocol without a name logs under its class", async () => {
  const records = await logged("info", async () => {
    const { peer, remote } = await runningPeer();
    await peer.disconnect();
    await remote.close();
  });
  assertEquals(records.map(({ category }) => category), [[
    "parley",
    "protocol",
    "Peer",
  ]]);
});

Deno.test("the end of a peer is logged at info", async () => {
  const records = await logged("info", async () => {
    const { peer, remote } = await runningPeer();
    await remote.close();
    await peer.closed.catch(() => {});
    await peer.disconnect().catch(() => {});
  });
  assertEquals(render(records).slice(1), ["info Peer ended the stream"]);
});

Deno.test("a failure is logged once, at error, as the error with its stack", async () => {
  let cause: unknown;
  const records = await logged("debug", async () => {
    const { peer, remote } = await runningPeer();
    remote.abort();
    cause = await peer.closed.catch((error) => error);
    await peer.disconnect().catch(() => {});
  });
  const failures = records.filter(({ message }) =>
    message[0] === "Session failed: "
  );
  assertInstanceOf(cause, Error);
  assertEquals(failures.map(({ level }) => level), ["error"]);
  assertStrictEquals(failures[0]?.message[1], cause);
  assertStringIncludes(cause.stack ?? "", "\n    at ");
});

Deno.test("a later cause is logged as a warning", async () => {
  const gate = Promise.withResolvers<void>();
  const called = Promise.withResolvers<void>();
  class Late extends AsyncProtocol<string> {
    protected override createCodec(): Codec<string> {
      return lines();
    }
    protected override onMessage(): Promise<void> {
      called.resolve();
      return gate.promise;
    }
    override send(line: string): Promise<void> {
      return super.send(line);
    }
  }
  const late = new Error("too late");
  const records = await logged("warning", async () => {
    const [near, far] = memoryPair();
    const protocol = new Late();
    await protocol.connect(near);
    await far.writable.getWriter().write(new TextEncoder().encode("x\n"));
    await called.promise;
    far.abort();
    protocol.send("y");
    await protocol.closed.catch(() => {});
    gate.reject(late);
    await gate.promise.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve));
    await protocol.disconnect().catch(() => {});
  });
  const later = records.filter(({ message }) => message[0] === "Later cause: ");
  assertEquals(later.map(({ level, message }) => [level, message[1]]), [[
    "warning",
    late,
  ]]);
});

Deno.test("a failed connect is logged at error", async () => {
  const records = await logged("info", async () => {
    await assertRejects(() => jsonPeer().connect(memory()));
  });
  assertEquals(records.map(({ level }) => level), ["error"]);
  const [begin, error] = records[0]?.message ?? [];
  assertEquals(begin, "Session failed: ");
  assertInstanceOf(error, ConnectError);
});

Deno.test("describe() changes what is logged of a message, and nothing else", async () => {
  class Discreet extends Peer<string> {
    protected override describe(message: string): unknown {
      return message.length;
    }
  }
  const records = await logged("debug", async () => {
    const [near, far] = memoryPair();
    const [one, other] = [near, far].map(() => new Discreet({ codec: lines }));
    assert(one && other);
    await Promise.all([one.connect(near), other.connect(far)]);
    await one.send("secret");
    const { value } = await other[Symbol.asyncIterator]().next();
    assertEquals(value, "secret");
    await one.disconnect();
    await other.disconnect().catch(() => {});
  });
  const texts = render(records).filter((text) => /[→←]/.test(text));
  assertEquals(texts, ["debug → 6", "debug ← 6"]);
});

/** A peer's text that forges a log line and acts on a terminal. */
const EVIL = "no\n2026-01-01 [INF] forged {message}\r\x1b[2J\x9b2J\u202e\u2028";

/** Characters that act on a terminal, or begin a line that is not of a stack. */
const UNSAFE = /[\p{Cf}\p{Zl}]|(?!\n)\p{Cc}|\n(?!\s|[\]}]|$)/u;

Deno.test("no text of a peer forges a log line", async () => {
  class Evil extends Peer<string> {
    protected override negotiate(): Promise<void> {
      return failing === "negotiate"
        ? Promise.reject(evil())
        : Promise.resolve();
    }
    protected override onMessage(message: string): void {
      if (failing === "onMessage") throw evil();
      this.send(message);
    }
    protected override isOrderlyEnd(): boolean {
      return failing === "orderly";
    }
  }
  let failing = "";
  const evil = () =>
    new ProtocolError(EVIL, {
      cause: new SyntaxError(EVIL, { cause: new TypeError("clean") }),
    });
  const records = await logged("debug", async () => {
    for (failing of ["negotiate", "onMessage", "orderly", "create", "none"]) {
      const transport = memory();
      const server = serve(await transport.listen(), () => {
        if (failing === "create") throw evil();
        return new Evil({ codec: lines });
      });
      const client = new Peer({ codec: lines });
      await client.connect(transport);
      await client.send(EVIL.replaceAll("\n", "")).catch(() => {});
      await client[Symbol.asyncIterator]().next().catch(() => {});
      await client.disconnect().catch(() => {});
      await server.shutdown();
    }
    const one = new Peer({ codec: lines });
    await one.connect({
      connect: () => Promise.reject(evil()),
      listen: () => Promise.reject(evil()),
    }).catch((error) => assertNotMatch(error.message, UNSAFE));
  });
  const format = getTextFormatter();
  const joined = records.map(({ message }) => message.join(""));
  const shown = [...records.map((record) => format(record)), ...joined];
  assertEquals(shown.filter((text) => /forged/.test(text)).length >= 10, true);
  for (const text of shown) assertNotMatch(text, UNSAFE);
});

Deno.test("a logged error keeps its class, its members, its stack and its causes", async () => {
  class Strange extends Error {
    override name = "Strange";
    readonly code = 7;
  }
  const error = new Strange("a\nb", { cause: new Error("c\x1bd") });
  const records = await logged("error", async () => {
    await jsonPeer().connect({
      connect: () => Promise.reject(error),
      listen: () => Promise.reject(error),
    }).catch(() => {});
  });
  const failure = records[0]?.message[1];
  assertInstanceOf(failure, ConnectError);
  const { cause } = failure;
  assertInstanceOf(cause, Strange);
  assertEquals([cause.name, cause.message, cause.code], [
    "Strange",
    "a\\nb",
    7,
  ]);
  assertStringIncludes(cause.stack ?? "", "Strange: a\\nb\n    at ");
  assertEquals((cause.cause as Error).message, "c\\u{1b}d");
  assertEquals(error.message, "a\nb");
});

Deno.test("a thrown value that is not an error is logged, whatever its members do", async () => {
  const hostile = new Proxy(new Error("x"), {
    get: () => {
      throw new Error("no member for you");
    },
  });
  for (
    const thrown of [undefined, null, 0, "a\nb", Object.create(null), hostile]
  ) {
    const records = await logged("error", async () => {
      class Thrower extends Peer<string> {
        protected override onMessage(): void {
          throw thrown;
        }
      }
      const [near, far] = memoryPair();
      const peer = new Thrower({ codec: lines });
      await peer.connect(near);
      await far.writable.getWriter().write(new TextEncoder().encode("x\n"));
      await peer.closed.catch(() => {});
      await peer.disconnect().catch(() => {});
      await far.close();
    });
    assertEquals(records.map(({ level }) => level), ["error"]);
  }
});

Deno.test("an error in describe() does not end the session", async () => {
  const error = new Error("cannot describe");
  class Indescribable extends Peer<string> {
    protected override describe(): unknown {
      throw error;
    }
  }
  const records = await logged("debug", async () => {
    const [near, far] = memoryPair();
    const [one, other] = [near, far].map(() =>
      new Indescribable({ codec: lines })
    );
    assert(one && other);
    await Promise.all([one.connect(near), other.connect(far)]);
    await one.send("hello");
    const { value } = await other[Symbol.asyncIterator]().next();
    assertEquals(value, "hello");
    await one.disconnect();
    await other.disconnect().catch(() => {});
  });
  const shown = records.filter(({ message }) =>
    /[→←]/.test(String(message[0]))
  );
  assertEquals(shown.map(({ message }) => message[1]), [error, error]);
});

for (
  const name of [
    "constructor",
    "__proto__",
    "toString",
    "hasOwnProperty",
    "deref",
    "",
    "a\nb\x1b\u202e",
  ]
) {
  Deno.test(`a protocol may have the name ${JSON.stringify(name)}`, async () => {
    const records = await logged("info", async () => {
      const { peer, remote } = await runningPeer({ name });
      assertEquals(peer.name, name);
      assertNotMatch(Deno.inspect(peer), UNSAFE);
      await peer.disconnect();
      await remote.close();
    });
    assertEquals(records.length, 1);
    const { category } = records[0] ?? { category: [] };
    assertEquals(category.slice(0, 2), ["parley", "protocol"]);
    assertStringIncludes(category[2] ?? "", name);
  });
}

Deno.test("a name that is not text is refused", () => {
  for (const name of [1, null, {}, Symbol("x")]) {
    assertThrows(
      () => jsonPeer({ name: name as unknown as string }),
      TypeError,
      "name is",
    );
  }
});
