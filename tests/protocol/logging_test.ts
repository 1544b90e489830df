import { configure, type LogRecord, reset } from "@logtape/logtape";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { AsyncProtocol, type Codec, lines, Peer } from "../../protocol/mod.ts";
import { jsonPeer, runningPeer } from "../support/session.ts";
import { memory, memoryPair } from "../../transports/mod.ts";

type Level = "debug" | "info" | "warning" | "error";

/** Everything that is logged while the function runs, at the level or above. */
async function logged(
  lowestLevel: Level,
  run: () => Promise<void>,
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  await configure({
    sinks: { records: (record) => records.push(record) },
    loggers: [
      { category: ["parley"], sinks: ["records"], lowestLevel },
      { category: ["logtape", "meta"], lowestLevel: "fatal" },
    ],
  });
  try {
    await run();
  } finally {
    await reset();
  }
  return records;
}

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

Deno.test("a failure is logged at error, with the whole error at debug", async () => {
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
  assertEquals(failures.map(({ level }) => level), ["error", "debug"]);
  assertInstanceOf(cause, Error);
  assertEquals(failures.map(({ message }) => message[1]), [
    cause.message,
    cause,
  ]);
});

Deno.test("a cause that comes after the first is logged as a warning", async () => {
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
  assertStringIncludes(
    render(records)[0] ?? "",
    "Session failed: Failed to establish connection: ",
  );
});

Deno.test("describe() decides what is logged of a message, and changes nothing else", async () => {
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
