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
  type QMPSession,
} from "../../qmp/mod.ts";
import { memory, memoryPair, unix } from "../../transports/mod.ts";
import { inFolder } from "../support/in_folder.ts";
import { needs } from "../support/servers/qemu.ts";
import { type Message, Script } from "../support/qmp/qmp_script.ts";
import {
  agree,
  ask,
  scripted,
  served,
  version,
} from "../support/qmp/served_qmp.ts";
import { turns } from "../support/turns.ts";

Deno.test("a server greets, executes, sends events and quits", async () => {
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

Deno.test("a command before negotiation gets CommandNotFound, and so does qmp_capabilities after it", async () => {
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

Deno.test("in-band commands run one after another, an out-of-band command at once", async () => {
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

Deno.test("a handler has the session of its command, and a signal for when its client has left", async () => {
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

Deno.test("a subclass may use its own fields in createSession()", async () => {
  class CountingServer extends QMPServer {
    made: QMPSession[] = [];

    override createSession(): QMPSession {
      const session = super.createSession();
      this.made.push(session);
      return session;
    }
  }
  await using server = new CountingServer();
  assertEquals(server.made, []);
  const session = server.createSession();
  assertEquals(server.made, [session]);
});

Deno.test("a client that half-closes still gets its answers, and the handlers' signals are aborted", async () => {
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

Deno.test({
  name: "socat with canned lines is answered line by line",
  ...needs("socat"),
  fn: () =>
    inFolder(async (folder) => {
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
    }),
});
