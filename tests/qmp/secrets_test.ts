import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ExecuteError, QMPClient, QMPServer } from "../../qmp/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import { bareClient } from "../support/qmp/qmp_script.ts";
import { write } from "../support/protocol/session.ts";
import { withLogSink } from "../support/protocol/logged.ts";

const SECRET = "hunter2";

/** Commands of QEMU and its guest agent that contain a secret. */
const commands: [string, Record<string, unknown>][] = [
  ["set_password", { protocol: "vnc", password: SECRET }],
  ["change-vnc-password", { password: SECRET }],
  ["block_passwd", { device: "disk", password: SECRET }],
  ["object-add", { "qom-type": "secret", id: "s", data: SECRET }],
  ["object-add", { "qom-type": "secret", id: "s", props: { data: SECRET } }],
  ["qom-set", { path: "/objects/s", property: "password", value: SECRET }],
  ["blockdev-add", { driver: "https", url: "https://x", cookie: SECRET }],
  ["human-monitor-command", { "command-line": `set_password vnc ${SECRET}` }],
  ["human-monitor-command", {
    "command-line": `object_add secret,id=s,data=${SECRET}`,
  }],
  ["guest-set-user-password", { username: "me", password: SECRET }],
  ["guest-file-write", { handle: 1, "buf-b64": SECRET }],
  ["guest-exec", { path: "chpasswd", "input-data": SECRET }],
  ["transaction", { actions: [{ type: "x", data: { password: SECRET } }] }],
];

/** The output of an application that logs everything and prints every error. */
async function seen(
  run: (print: (error: unknown) => void) => Promise<void>,
): Promise<string[]> {
  const texts: string[] = [];
  const show = (value: unknown) =>
    texts.push(
      Deno.inspect(value, { depth: Infinity, strAbbreviateSize: 1e6 }),
    );
  await withLogSink("trace", show, () =>
    run((error) => {
      show(error);
      if (error instanceof Error) texts.push(`${error.stack}`);
    }));
  return texts;
}

Deno.test("no log and no error of QMP has a secret in it, at the client or the server", async () => {
  let executed = 0;
  const texts = await seen(async (print) => {
    const transport = memory();
    await using server = new QMPServer({
      commands: Object.fromEntries(commands.map(([name], i) => [
        name,
        () => {
          executed++;
          if (i % 2) throw new Error("refused");
        },
      ])),
    });
    server.serve(await transport.listen());
    await using client = new QMPClient();
    await client.connect(transport);
    for (const [name, args] of commands) {
      await client.execute(name, args).catch(print);
      await client.execute(`${name}-not`, args).catch(print);
    }
    await client.disconnect();
    await client.execute("set_password", { password: SECRET }).catch(print);
  });
  assertEquals(executed, commands.length);
  const text = texts.join("\n");
  // Both sides have logged, and the errors exist.
  assertStringIncludes(text, "→");
  assertStringIncludes(text, "←");
  assertStringIncludes(text, "Cannot execute set_password-not");
  assertStringIncludes(text, "<redacted>");
  assertFalse(text.includes(SECRET));
});

Deno.test("no log and no error has a secret of a command that is interrupted, or badly answered", async () => {
  const texts = await seen(async (print) => {
    const { client, far } = await bareClient();
    const pending = commands.map(([name, args]) =>
      client.execute(name, args).catch(print)
    );
    await write(far, '{"id":1}\n{"id":2,"error":1}');
    await pending[1];
    far.abort();
    await Promise.all(pending);
    await client.disconnect().catch(print);
  });
  const text = texts.join("\n");
  assertStringIncludes(text, "BadReplyError");
  assertStringIncludes(text, "ExecInterruptedError");
  assertFalse(text.includes(SECRET));
});

/** Commands that read a secret: the whole result is a secret. */
const readers: [string, Record<string, unknown>][] = [
  ["qom-get", { path: "/objects/s", property: "data" }],
  ["qom-get", { path: "/objects/s", property: "password" }],
  ["human-monitor-command", { "command-line": "qom-get /objects/s data" }],
];

Deno.test("no log has a secret that a command reads, at the client or the server", async () => {
  const texts = await seen(async () => {
    const transport = memory();
    await using server = new QMPServer({
      commands: Object.fromEntries(readers.map(([name]) => [
        name,
        () => SECRET,
      ])),
    });
    server.serve(await transport.listen());
    await using client = new QMPClient();
    await client.connect(transport);
    for (const [name, args] of readers) {
      assertEquals(await client.execute(name, args), SECRET);
    }
  });
  const text = texts.join("\n");
  assertEquals(text.match(/return: "<redacted>"/g)?.length, 6);
  assertFalse(text.includes(SECRET));
});

Deno.test("no error of a malformed reply has the secret in the reply", async () => {
  const texts = await seen(async (print) => {
    const { client, far } = await bareClient();
    const pending = readers.map(([name, args]) =>
      client.execute(name, args).catch(print)
    );
    const replies = [
      { id: 1, password: SECRET },
      { id: 2, error: { passwd: SECRET } },
      { id: 3, return: SECRET, error: {} },
    ];
    await write(far, replies.map((reply) => JSON.stringify(reply)).join("\n"));
    await Promise.all(pending);
    await client.disconnect().catch(print);
  });
  const text = texts.join("\n");
  assertStringIncludes(text, "BadReplyError");
  assertFalse(text.includes(SECRET));
});

Deno.test("no log and no error quotes a message that is not JSON", async () => {
  const texts = await seen(async (print) => {
    const { client, far } = await bareClient();
    const start = '{"event":"SPICE_INITIALIZED","data":{"passwords":[';
    await write(far, `${start}"${SECRET}",@]}}`);
    await client.closed.catch(print);
    await client.disconnect().catch(print);
  });
  const text = texts.join("\n");
  assertStringIncludes(text, "Message is not JSON at offset 0");
  assertStringIncludes(text, "SyntaxError");
  assertFalse(text.includes(SECRET));
});

Deno.test("a server neither logs nor sends back input that it could not read", async () => {
  const texts = await seen(async () => {
    const [near, far] = memoryPair();
    const session = new QMPServer().createSession();
    await session.connect(near);
    await write(far, `{"password":"${SECRET}"]\n`);
    const reader = far.readable.pipeThrough(new TextDecoderStream())
      .getReader();
    let answer = "";
    while (!answer.includes("error")) answer += (await reader.read()).value;
    assertStringIncludes(answer, "input is not JSON at offset 0");
    assertFalse(answer.includes(SECRET));
    await reader.cancel();
    await session.disconnect();
    await far.close();
  });
  assert(texts.length > 0);
  assertFalse(texts.join("\n").includes(SECRET));
});

Deno.test("the error of a command still has the command as it was sent", async () => {
  const transport = memory();
  await using server = new QMPServer();
  server.serve(await transport.listen());
  await using client = new QMPClient();
  await client.connect(transport);
  const args = { password: SECRET };
  const error = await assertRejects(
    () => client.execute("set_password", args),
    ExecuteError,
  );
  assertEquals(error.sent.arguments, args);
});
