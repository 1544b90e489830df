import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertLess,
  assertMatch,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { toText } from "@std/streams";
import { EndOfStreamError } from "../../protocol/mod.ts";
import {
  type CommandContext,
  CommandError,
  ExecInterruptedError,
  ExecuteError,
  QMPClient,
  QMPServer,
  type QMPServerOptions,
} from "../../qmp/mod.ts";
import { memory, memoryPair, unix } from "../../transports/mod.ts";
import { needs, startQemu } from "../support/qemu.ts";
import { type Message, Script } from "../support/qmp_script.ts";
import { turns } from "../support/turns.ts";

const version = {
  qemu: { major: 7, minor: 2, micro: 22 },
  package: "stand-in",
};

/** A server, and a client that is connected to it. */
async function served(
  options: QMPServerOptions = {},
): Promise<{ server: QMPServer; client: QMPClient } & AsyncDisposable> {
  const server = new QMPServer({ version, ...options });
  const transport = memory();
  server.serve(await transport.listen());
  const client = new QMPClient();
  await client.connect(transport);
  return {
    server,
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

/** A server's session, and who says to it just what a test says. */
async function scripted(
  options: QMPServerOptions = {},
): Promise<{ server: QMPServer; script: Script }> {
  const [near, far] = memoryPair();
  const server = new QMPServer({ version, ...options });
  const [script] = await Promise.all([
    Script.over(far),
    server.createSession().connect(near),
  ]);
  return { server, script };
}

/** Says something, and gives the answer. */
function ask(script: Script, message: unknown): Promise<Message> {
  script.send(message as Message);
  return script.command();
}

const agree = { execute: "qmp_capabilities" };

Deno.test("a server greets, executes, tells of events and quits", async () => {
  await using both = await served({
    commands: {
      "query-status": () => ({ running: true }),
      stop: async (_, { server }) => {
        await server.emit("STOP");
      },
    },
  });
  const { client, server } = both;
  assertEquals(client.greeting?.QMP, { version, capabilities: [] });
  assertEquals(await client.execute("query-status"), { running: true });
  assertEquals(await client.execute("query-version"), version);
  assertEquals(await client.execute("stop"), {});
  const { event, timestamp } = await client.events.next();
  assertEquals(event, "STOP");
  assertLess(Math.abs(Date.now() / 1000 - timestamp.seconds), 60);
  assertEquals(server.sessions.size, 1);
  await client.quit();
  await client.disconnect();
  assertEquals(server.sessions.size, 0);
});

Deno.test("fact 12: before negotiation a command gets CommandNotFound, and again qmp_capabilities after", async () => {
  const { script, server } = await scripted();
  assertEquals(await script.command(), { QMP: { version, capabilities: [] } });
  assertEquals(await ask(script, { execute: "query-version", id: 1 }), {
    error: {
      class: "CommandNotFound",
      desc: "Expecting capabilities negotiation with 'qmp_capabilities'",
    },
    id: 1,
  });
  assertEquals(await ask(script, { ...agree, id: "a" }), {
    return: {},
    id: "a",
  });
  assertEquals(await ask(script, agree), {
    error: {
      class: "CommandNotFound",
      desc: "Capabilities negotiation is already complete, command ignored",
    },
  });
  assertEquals(await ask(script, { execute: "nope" }), {
    error: {
      class: "CommandNotFound",
      desc: "The command nope has not been found",
    },
  });
  await script.end();
  await server.close();
});

/** What is no command, and how QEMU puts it. */
const wrong: [unknown, string][] = [
  [[], "QMP input must be a JSON object"],
  [{}, "QMP input lacks member 'execute'"],
  [{ execute: 5 }, "QMP input member 'execute' must be a string"],
  [
    { execute: "stop", arguments: [] },
    "QMP input member 'arguments' must be an object",
  ],
  [{ execute: "stop", more: 1 }, "QMP input member 'more' is unexpected"],
  [{ "exec-oob": "stop" }, "QMP input member 'exec-oob' is unexpected"],
];

for (const [message, desc] of wrong) {
  Deno.test(`a message of ${JSON.stringify(message)} is refused as QEMU does, and the session lives`, async () => {
    const { script, server } = await scripted();
    await script.command();
    await ask(script, agree);
    const error = { class: "GenericError", desc };
    assertEquals(await ask(script, message), { error });
    const { return: answer } = await ask(script, { execute: "query-version" });
    assertEquals(answer, version);
    await script.end();
    await server.close();
  });
}

Deno.test({
  name: "real QEMU refuses what is no command in the same words",
  ...needs("qemu-system-x86_64"),
  fn: async () => {
    await using qemu = await startQemu();
    const script = await Script.over(await qemu.transport.connect());
    await script.command();
    await ask(script, agree);
    for (const [message, desc] of wrong) {
      const { error } = await ask(script, message);
      assertEquals(error, { class: "GenericError", desc });
    }
    await script.end();
  },
});

Deno.test("input that is no JSON is answered without an id, and the session lives", async () => {
  const [near, far] = memoryPair();
  const server = new QMPServer({ version });
  const writer = far.writable.getWriter();
  const connected = server.createSession().connect(near);
  await writer.write(new TextEncoder().encode('{"execute" "stop"}\n'));
  await writer.write(Uint8Array.of(0xff));
  await writer.write(new TextEncoder().encode(JSON.stringify(agree)));
  await writer.close();
  await connected;
  const lines = (await toText(far.readable)).split("\r\n");
  assertMatch(lines[1] ?? "", /^\{"error":.*"GenericError".*not JSON/);
  assertMatch(lines[2] ?? "", /^\{"error":.*"GenericError"/);
  assertEquals(lines[3], '{"return":{}}');
  assertEquals(lines.length, 5);
  await far.close();
  await server.close();
});

Deno.test("a handler's errors reach the client by class and description", async () => {
  await using both = await served({
    commands: {
      device_del: () => {
        throw new CommandError("DeviceNotFound", "Device 'x' not found");
      },
      broken: () => Promise.reject(new RangeError("Out of range")),
      odd: () => Promise.reject(Object.create(null)),
      circular: () => {
        const value: Message = {};
        value.self = value;
        return value;
      },
    },
  });
  const { client } = both;
  const refusal = async (command: string) => {
    const error = await assertRejects(
      () => client.execute(command),
      ExecuteError,
    );
    return [error.errorClass, error.description];
  };
  assertEquals(await refusal("device_del"), [
    "DeviceNotFound",
    "Device 'x' not found",
  ]);
  assertEquals(await refusal("broken"), ["GenericError", "Out of range"]);
  assertEquals(await refusal("odd"), ["GenericError", "object"]);
  const [errorClass, description] = await refusal("circular");
  assertEquals(errorClass, "GenericError");
  assertMatch(description ?? "", /circular/);
  assertEquals(await client.execute("query-version"), version);
});

Deno.test("declared arguments are checked before the handler runs", async () => {
  const seen: unknown[] = [];
  await using both = await served({
    commands: {
      resize: {
        arguments: {
          device: "str",
          size: "int",
          "force?": "bool",
          "nodes?": [{ name: "str", "weight?": "number" }],
        },
        run: (args) => void seen.push(args),
      },
    },
  });
  const { client } = both;
  const refusal = async (args: Message) => {
    const error = await assertRejects(
      () => client.execute("resize", args),
      ExecuteError,
    );
    assertEquals(error.errorClass, "GenericError");
    return error.description;
  };
  const good = { device: "a", size: 2n ** 60n };
  assertEquals(await refusal({ device: "a" }), "Parameter 'size' is missing");
  assertEquals(
    await refusal({ ...good, sise: 1 }),
    "Parameter 'sise' is unexpected",
  );
  assertEquals(
    await refusal({ device: "a", size: "1" }),
    "Invalid parameter type for 'size', expected: int",
  );
  assertEquals(
    await refusal({ ...good, force: 1 }),
    "Invalid parameter type for 'force', expected: boolean",
  );
  assertEquals(
    await refusal({ ...good, nodes: {} }),
    "Invalid parameter type for 'nodes', expected: array",
  );
  assertEquals(
    await refusal({ ...good, nodes: [{ name: "a" }, 5] }),
    "Invalid parameter type for 'nodes[1]', expected: object",
  );
  assertEquals(
    await refusal({ ...good, nodes: [{ weight: 1 }] }),
    "Parameter 'nodes[0].name' is missing",
  );
  assertEquals(seen, []);
  const full = { ...good, force: true, nodes: [{ name: "a", weight: 0.5 }] };
  await client.execute("resize", full);
  assertEquals(seen, [full]);
});

Deno.test("commands in band run one after another, one out of band at once", async () => {
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  await using both = await served({
    commands: {
      slow: async ({ n }) => {
        log.push(`begin ${n}`);
        await gate.promise;
        log.push(`end ${n}`);
      },
      now: { oob: true, run: () => void log.push("now") },
    },
  });
  const { client } = both;
  assertEquals(client.greeting?.QMP.capabilities, ["oob"]);
  const slow = [1, 2].map((n) => client.execute("slow", { n }));
  await client.execute("now", {}, { oob: true });
  assertEquals(log, ["begin 1", "now"]);
  const inBand = client.execute("now");
  gate.resolve();
  await Promise.all([...slow, inBand]);
  assertEquals(log.slice(2), ["end 1", "begin 2", "end 2", "now"]);
  await assertRejects(
    () => client.execute("slow", {}, { oob: true }),
    ExecuteError,
    "The command slow does not support OOB",
  );
});

Deno.test("capabilities that are not offered are refused", async () => {
  const { script, server } = await scripted();
  await script.command();
  const reply = await ask(script, { ...agree, arguments: { enable: ["oob"] } });
  assertEquals(reply.error, {
    class: "GenericError",
    desc: "Capability 'oob' is not available",
  });
  const other = await ask(script, { ...agree, arguments: { enable: 5 } });
  assertEquals(other.error, {
    class: "GenericError",
    desc: "Invalid parameter type for 'enable', expected: array",
  });
  await script.end();
  await server.close();
});

Deno.test("a server reads no further than 8 commands ahead", async () => {
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  const { script, server } = await scripted({
    commands: {
      wait: async () => {
        begun++;
        await gate.promise;
      },
    },
  });
  await script.command();
  await ask(script, agree);
  const [session] = server.sessions;
  assert(session);
  for (let id = 0; id < 100; id++) script.send({ execute: "wait", id });
  await turns();
  assertEquals(begun, 1);
  // The request for capabilities, and 8 in the queue.
  assertEquals(session.stats.messagesReceived, 9);
  gate.resolve();
  for (let id = 0; id < 100; id++) {
    assertEquals(await script.command(), { return: {}, id });
  }
  await script.end();
  await server.close();
});

Deno.test("events go to every client that has negotiated, or to one", async () => {
  const transport = memory();
  await using server = new QMPServer({ version });
  server.serve(await transport.listen());
  const clients = [1, 2, 3].map(() => new QMPClient());
  for (const client of clients) await client.connect(transport);
  const silent = await Script.over(await transport.connect());
  await silent.command();
  assertEquals(server.sessions.size, 4);
  await server.emit("STOP", { to: "all" });
  for (const client of clients) {
    assertEquals((await client.events.next()).data, { to: "all" });
  }
  const [first] = server.sessions;
  await first?.emit("RESUME");
  assertEquals((await clients[0]?.events.next())?.event, "RESUME");
  assertEquals(clients[1]?.events.clear(), []);
  const reply = await ask(silent, agree);
  assertEquals(reply, { return: {} });
  for (const client of clients) await client.disconnect();
  await silent.end();
});

Deno.test("a handler knows who sent its command, and learns when nobody waits any more", async () => {
  const called = Promise.withResolvers<CommandContext>();
  await using both = await served({
    commands: {
      wait: (_, context) => {
        called.resolve(context);
        return new Promise((_, reject) =>
          context.signal.addEventListener(
            "abort",
            () => reject(context.signal.reason),
          )
        );
      },
    },
  });
  const { client, server } = both;
  const call = client.executeMessage({ execute: "wait", id: "mine" });
  const { session, signal, message, server: own } = await called.promise;
  assertStrictEquals(own, server);
  assertStrictEquals([...server.sessions][0], session);
  assertEquals(message, { execute: "wait", id: "mine" });
  assertFalse(signal.aborted);
  const over = new Promise((resolve) =>
    signal.addEventListener("abort", resolve)
  );
  await client.disconnect();
  await assertRejects(() => call, ExecInterruptedError);
  await over;
  assertInstanceOf(signal.reason, EndOfStreamError);
});

Deno.test("a client that ends writing still gets its answers, and handlers learn of it", async () => {
  const [near, far] = memoryPair();
  const waits = Promise.withResolvers<void>();
  const server = new QMPServer({
    version,
    commands: {
      wait: (_, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => resolve("alone"));
          waits.resolve();
        }),
    },
  });
  const session = server.createSession();
  const writer = far.writable.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(agree)));
  await writer.write(new TextEncoder().encode('{"execute":"wait"}'));
  await session.connect(near);
  await waits.promise;
  await writer.close();
  const lines = (await toText(far.readable)).split("\r\n");
  assertEquals(lines.slice(1), ['{"return":{}}', '{"return":"alone"}', ""]);
  await session.closed;
  await session.disconnect();
  await far.close();
});

Deno.test("query-commands and query-qmp-schema tell what is registered", async () => {
  await using both = await served({
    commands: {
      stop: () => {},
      resize: {
        arguments: { size: "int", "nodes?": [{ name: "str" }] },
        returns: "bool",
        oob: true,
        run: () => true,
      },
    },
    events: { STOP: {}, RESIZED: { size: "int" } },
  });
  const { client } = both;
  const commands = await client.execute("query-commands") as Message[];
  const names = commands.map(({ name }) => name);
  const own = ["query-version", "query-commands", "query-qmp-schema", "quit"];
  assertEquals(
    new Set(names),
    new Set(["qmp_capabilities", ...own, "stop", "resize"]),
  );
  const schema = await client.execute("query-qmp-schema") as Message[];
  const entities = new Map(schema.map((info) => [info.name, info]));
  assertEquals(entities.size, schema.length);
  const resize = entities.get("resize");
  assertEquals(resize?.["meta-type"], "command");
  assertEquals(resize?.["allow-oob"], true);
  assertEquals(entities.get(resize?.["ret-type"]), {
    name: "bool",
    "meta-type": "builtin",
    "json-type": "boolean",
  });
  const args = entities.get(resize?.["arg-type"]);
  const [size, nodes] = args?.members as Message[];
  assertEquals(size, { name: "size", type: "int" });
  assertEquals(nodes?.default, null);
  const array = entities.get(nodes?.type);
  assertEquals(array?.["meta-type"], "array");
  const element = entities.get(array?.["element-type"]);
  assertEquals(element?.members, [{ name: "name", type: "str" }]);
  const stop = entities.get("STOP");
  assertEquals(stop?.["meta-type"], "event");
  assertEquals(entities.get(stop?.["arg-type"])?.members, []);
  for (const info of schema) {
    for (const key of ["arg-type", "ret-type", "element-type"]) {
      if (key in info) assert(entities.has(info[key]), `${info[key]}`);
    }
  }
});

Deno.test("quit is answered before the server ends the session", async () => {
  await using both = await served();
  assertEquals(await both.client.execute("quit"), {});
  await both.client.closed;
});

Deno.test("a handler given for quit replaces ours", async () => {
  let asked = 0;
  await using both = await served({ commands: { quit: () => void asked++ } });
  await both.client.execute("quit");
  await both.client.execute("query-version");
  assertEquals(asked, 1);
});

Deno.test("close() lets what was sent be executed and answered, and takes no more", async () => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const transport = memory();
  const server = new QMPServer({
    version,
    commands: {
      slow: async ({ n }) => {
        begun.resolve();
        await gate.promise;
        return n;
      },
    },
  });
  const serving = server.serve(await transport.listen());
  const client = new QMPClient();
  await client.connect(transport);
  const calls = [1, 2, 3].map((n) => client.execute("slow", { n }));
  await begun.promise;
  await turns();
  const closing = server.close();
  await turns();
  const late = client.execute("slow", { n: 4 });
  gate.resolve();
  assertEquals(await Promise.all(calls), [1, 2, 3]);
  await assertRejects(() => late, ExecInterruptedError);
  await closing;
  await serving.closed;
  assertEquals(server.sessions.size, 0);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
  await assertRejects(() => transport.connect());
});

Deno.test("an aborted close() rejects with the reason, and ends the sessions at once", async () => {
  const transport = memory();
  const begun = Promise.withResolvers<void>();
  const server = new QMPServer({
    version,
    commands: {
      hangs: () => {
        begun.resolve();
        return new Promise(() => {});
      },
    },
  });
  const serving = server.serve(await transport.listen());
  const client = new QMPClient();
  await client.connect(transport);
  const call = client.execute("hangs");
  await begun.promise;
  const aborting = new AbortController();
  const reason = new Error("Enough");
  const closing = server.close({ signal: aborting.signal });
  aborting.abort(reason);
  assertStrictEquals(await assertRejects(() => closing), reason);
  await assertRejects(() => call, ExecInterruptedError);
  await serving.closed;
  assertEquals(server.sessions.size, 0);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

Deno.test("close() is done when shutdownTimeout has ended the sessions, though a handler goes on", async () => {
  const begun = Promise.withResolvers<void>();
  const transport = memory();
  const server = new QMPServer({
    version,
    commands: {
      hangs: () => {
        begun.resolve();
        return new Promise(() => {});
      },
    },
  });
  server.serve(await transport.listen(), { shutdownTimeout: 0 });
  const client = new QMPClient();
  await client.connect(transport);
  const call = client.execute("hangs");
  await begun.promise;
  await server.close();
  assertEquals(server.sessions.size, 0);
  await assertRejects(() => call, ExecInterruptedError);
  await assertRejects(() => client.disconnect(), EndOfStreamError);
});

Deno.test("handlers, results and events are typed by the schema", async () => {
  interface Schema {
    commands: {
      resize: { arguments: { size: number }; returns: { old: number } };
      stop: { arguments: Record<never, never>; returns: Record<never, never> };
    };
    events: { STOP: undefined; RESIZED: { size: number } };
  }
  const transport = memory();
  await using server = new QMPServer<Schema>({
    commands: {
      resize: async ({ size }, { session }) => {
        await session.emit("RESIZED", { size });
        return { old: size - 1 };
      },
      stop: async (_, { server }) => {
        await server.emit("STOP");
      },
      // @ts-expect-error: no such command
      resise: () => {},
    },
  });
  // deno-lint-ignore no-unused-vars
  const refused = () => [
    // @ts-expect-error: no such event
    server.emit("STOPPED"),
    // @ts-expect-error: data is missing
    server.emit("RESIZED"),
    new QMPServer<Schema>({
      // @ts-expect-error: another result
      commands: { resize: () => ({ old: "5" }) },
    }),
  ];
  server.serve(await transport.listen());
  await using client = new QMPClient<Schema>();
  await client.connect(transport);
  assertEquals(await client.execute("resize", { size: 5 }), { old: 4 });
  assertEquals((await client.events.next("RESIZED")).event, "RESIZED");
  await client.execute("stop");
  assertEquals((await client.events.next("STOP")).event, "STOP");
});

Deno.test({
  name: "socat with canned lines is answered line by line",
  ...needs("socat"),
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "parley-" });
    try {
      const server = new QMPServer({
        version,
        commands: {
          cont: async (_, { server }) => {
            await server.emit("RESUME");
          },
        },
      });
      server.serve(await unix({ path: `${folder}/qmp` }).listen());
      const socat = new Deno.Command("socat", {
        args: ["-", `UNIX-CONNECT:${folder}/qmp`],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const canned = [
        '{"execute":"qmp_capabilities"}',
        '{ "execute": "cont", "id": 1 }{"execute":"query-version"}',
        "",
        '{"execute":',
        ' "nope", "id": "x"}',
        '{"execute":"quit"}',
      ].join("\n");
      const writer = socat.stdin.getWriter();
      await writer.write(new TextEncoder().encode(canned));
      await writer.close();
      const { stdout } = await socat.output();
      const lines = new TextDecoder().decode(stdout).split("\r\n");
      const [first, ...answers] = lines.map((line) => line && JSON.parse(line));
      assertEquals(first, { QMP: { version, capabilities: [] } });
      assertEquals(answers.map((answer) => Object.keys(answer)[0] ?? ""), [
        "return",
        "timestamp",
        "return",
        "return",
        "error",
        "return",
        "",
      ]);
      assertEquals(answers[2], { return: {}, id: 1 });
      assertEquals(answers[4].id, "x");
      await server.close();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
