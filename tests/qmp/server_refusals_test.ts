import { assertEquals, assertMatch } from "@std/assert";
import { toText } from "@std/streams";
import { QMPServer } from "../../qmp/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { needs, startQemu } from "../support/servers/qemu.ts";
import { Script } from "../support/qmp/qmp_script.ts";
import { agree, ask, scripted, version } from "../support/qmp/served_qmp.ts";

/** Messages that are not commands, and QEMU's words for them. */
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
  Deno.test(`a message of ${JSON.stringify(message)} is refused as by QEMU, and the session goes on`, async () => {
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
  name: "real QEMU refuses messages that are not commands in the same words",
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

Deno.test("input that is not JSON is answered without an id, and the session goes on", async () => {
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
