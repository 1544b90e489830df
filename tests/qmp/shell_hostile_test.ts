import fc from "fast-check";
import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  AsyncProtocol,
  type Codec,
  jsonValues,
  serve,
} from "../../protocol/mod.ts";
import { paintJSON } from "../../qmp/_shell/colours.ts";
import { JSONOutput, TextOutput } from "../../qmp/_shell/output.ts";
import { ExecuteError, type QMPEvent } from "../../qmp/mod.ts";
import { unix } from "../../transports/mod.ts";
import { inFolder } from "../support/in_folder.ts";
import { needs } from "../support/servers/qemu.ts";
import { runShell, shellInTerminal } from "../support/qmp/qmp_shell.ts";
import type { Message } from "../support/qmp/qmp_script.ts";

/**
 * Sets the title of a window and the clipboard, moves the cursor, clears the
 * screen and turns the direction of text, by C0, C1 and format characters.
 */
const EVIL = "\x1b]0;evil\x07\x1b]52;c;ZXZpbA==\x07\x9b2J\x1b[H\b\r\x7f" +
  "\u202e\u2066\u200b\u2028\u{e0001}evil";

/** Lines for people, as a human monitor writes them. */
const LINES = `one\ttwo\r\n${EVIL}\r\nthree\r\n`;

/** A server that sends only hostile texts. */
class HostileServer extends AsyncProtocol<Message> {
  #schema: unknown;

  constructor(schema: unknown) {
    super();
    this.#schema = schema;
  }

  protected override createCodec(): Codec<Message> {
    return jsonValues() as Codec<Message>;
  }

  protected override async negotiate(): Promise<void> {
    const qemu = { major: EVIL, minor: 1, micro: 2 };
    await this.send({
      QMP: { version: { qemu, package: EVIL }, capabilities: [] },
    });
  }

  protected override async onMessage(message: Message): Promise<void> {
    const { execute, id } = message;
    switch (execute) {
      case "query-qmp-schema":
        return await this.send({ return: this.#schema, id });
      case "human-monitor-command":
        return await this.send({ return: LINES, id });
      case "refuse":
        return await this.send({ error: { class: EVIL, desc: EVIL }, id });
      case "break":
        return await this.send({ error: EVIL, id });
      case "end":
        return await this.send({ error: { class: EVIL, desc: EVIL } });
      case "tell":
        await this.send({ event: EVIL, data: { [EVIL]: EVIL } });
        await this.send({
          event: "X",
          timestamp: { seconds: {}, microseconds: [] },
        });
        await this.send({
          event: "Y",
          timestamp: { seconds: 1e300, microseconds: 1 },
        });
        await this.send({ event: "Z", timestamp: 5 });
        break;
      case "nest": {
        const deep = JSON.parse("[".repeat(100_000) + "]".repeat(100_000));
        return await this.send({ return: deep, id });
      }
      case "fill":
        return await this.send({ return: `${'\\"'.repeat(2_000_000)}`, id });
    }
    await this.send({ return: { [EVIL]: EVIL }, id });
  }
}

const schema = [
  { name: "go", "meta-type": "command", "arg-type": "1", "ret-type": "1" },
  {
    name: `go${EVIL}`,
    "meta-type": "command",
    "arg-type": "1",
    "ret-type": "1",
  },
  {
    name: "1",
    "meta-type": "object",
    members: [
      { name: "arg", type: "2" },
      { name: `arg${EVIL}`, type: "2" },
    ],
  },
  { name: "2", "meta-type": "enum", values: ["value", `value${EVIL}`] },
];

/** Serves this schema, and calls a function with the server. */
async function withServer(
  schema: unknown,
  use: (
    server: { transport: unknown; process: { folder: string } },
  ) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const transport = unix({ path: `${folder}/socket` });
    await using _server = serve(
      await transport.listen(),
      () => new HostileServer(schema),
    );
    await use({ transport, process: { folder } });
  });
}

/** Asserts that no character acts on a terminal, except tabs and newlines. */
function assertPrintable(text: string): void {
  assertMatch(text, /^([\n\t]|[^\p{C}\p{Zl}\p{Zp}])*$/u);
}

Deno.test("any values of a server are shown, and nothing in them acts on the terminal", () => {
  const texts = fc.string({ unit: "binary" });
  const values = fc.jsonValue({ stringUnit: "binary" });
  const events = fc.record({ event: texts, data: values, timestamp: values }, {
    requiredKeys: ["event"],
  });
  const shown: string[] = [];
  const show = (text: string) => void shown.push(text);
  const sink = { out: show, err: show };
  const outputs = [
    new JSONOutput(sink),
    new TextOutput(sink, { pretty: true, colours: false }),
    new TextOutput(sink, { pretty: false, colours: false }),
  ];
  fc.assert(fc.property(events, values, texts, (event, value, text) => {
    for (const output of outputs) {
      output.event(event as unknown as QMPEvent);
      output.result(value, undefined);
      output.result(text, text);
      output.failure(text);
      output.refusal(new ExecuteError(text, text, {}, {}));
      output.error(text);
    }
    for (const line of shown.splice(0)) assertPrintable(line);
  }));
});

Deno.test("a coloured text is the text and the codes of the colours", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const text = JSON.stringify(value, null, 2);
    // deno-lint-ignore no-control-regex
    assertEquals(paintJSON(text).replace(/\x1b\[\d+m/g, ""), text);
  }));
});

const ESCAPED = "\\u{1b}]0;evil\\u{7}\\u{1b}]52;c;ZXZpbA==\\u{7}\\u{9b}2J" +
  "\\u{1b}[H\\u{8}\\r\\u{7f}\\u{202e}\\u{2066}\\u{200b}\\u{2028}\\u{e0001}evil";

Deno.test("no text of a server acts on the terminal: plain output", () =>
  withServer(schema, async (server) => {
    for (const args of [[], ["--pretty"]]) {
      const { code, stdout, stderr } = await runShell(
        args,
        server,
        "tell\nlook\nrefuse\n",
      );
      assertEquals(code, 1);
      assertPrintable(stdout);
      assertPrintable(stderr);
      assertStringIncludes(stdout, `--:--:--.--- ${ESCAPED} {"\\u001b]0;evil`);
      assertEquals(stderr, `${ESCAPED}: ${ESCAPED}\n`);
    }
    const malformed = await runShell(["-c", "break"], server);
    assertEquals([malformed.code, malformed.stdout], [3, ""]);
    assertPrintable(malformed.stderr);
    const ended = await runShell(["-c", "end"], server);
    assertEquals([ended.code, ended.stdout], [3, ""]);
    assertPrintable(ended.stderr);
  }));

Deno.test("no text of a server acts on the terminal: messages for scripts, whose values stay the same", () =>
  withServer(schema, async (server) => {
    const { code, stdout, stderr } = await runShell(
      ["--json"],
      server,
      "tell\nlook\nrefuse\n",
    );
    assertEquals([code, stderr], [1, ""]);
    assertPrintable(stdout);
    const messages = stdout.trim().split("\n").map((line) => JSON.parse(line));
    const event = messages.find(({ event }) => event === EVIL);
    assertEquals(event, { event: EVIL, data: { [EVIL]: EVIL } });
    assertEquals(messages.slice(-2), [
      { return: { [EVIL]: EVIL } },
      { error: { class: EVIL, desc: EVIL } },
    ]);
  }));

Deno.test("no text of a server acts on the terminal: the lines of a human monitor, which keep newlines and tabs", () =>
  withServer(schema, async (server) => {
    const { code, stdout, stderr } = await runShell(
      ["--hmp", "-c", "info"],
      server,
    );
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout, `one\ttwo\n${ESCAPED}\nthree\n`);
  }));

Deno.test("an event without a time, or with one that is not a time, is shown without one", () =>
  withServer(schema, async (server) => {
    const { code, stdout, stderr } = await runShell([], server, "tell\n");
    assertEquals([code, stderr], [0, ""]);
    const lines = stdout.split("\n");
    assertEquals(
      lines.filter((line) => /[XYZ]$/.test(line)),
      ["--:--:--.--- X", "--:--:--.--- Y", "--:--:--.--- Z"],
    );
  }));

Deno.test("a result that is nested 100,000 times, or is one huge string, is shown on a line", () =>
  withServer(schema, async (server) => {
    for (const args of [[], ["--pretty"], ["--json"]]) {
      const nested = await runShell([...args, "-c", "nest"], server);
      assertEquals([nested.code, nested.stderr], [0, ""]);
      assertEquals(nested.stdout.match(/\[/g)?.length, 100_000);
      const huge = await runShell([...args, "-c", "fill"], server);
      assertEquals([huge.code, huge.stderr], [0, ""]);
      assert(huge.stdout.length > 8_000_000, `${huge.stdout.length}`);
    }
  }));

Deno.test("a malformed schema is reported in a line, and commands are executed", () =>
  withServer({ [EVIL]: EVIL }, async (server) => {
    const { code, stdout, stderr } = await runShell(["-c", "look a=1"], server);
    assertEquals(code, 0);
    assertPrintable(stdout);
    assertPrintable(stderr);
    assertMatch(
      stderr,
      /^Nothing is completed: Cannot read the server's schema: .*expected an array\n$/,
    );
  }));

Deno.test({
  name: "no text of a server acts on the terminal: in a terminal",
  ...needs("tmux"),
  fn: () =>
    withServer(schema, async (server) => {
      await using shell = await shellInTerminal(server, { columns: 400 });
      await shell.enter("tell");
      await shell.shows(/ Z$[^]*^qmp> $/m);
      await shell.enter("refuse");
      await shell.shows(/: .*evil$[^]*^qmp> $/m);
      // The one name that can be typed is completed, as if there were no others.
      await shell.type("g");
      await shell.shows(/^qmp> g$/m);
      await shell.press("Tab");
      await shell.shows(/^qmp> go $/m);
      await shell.type("a");
      await shell.shows(/^qmp> go a$/m);
      await shell.press("Tab");
      await shell.shows(/^qmp> go arg=$/m);
      await shell.type("v");
      await shell.shows(/^qmp> go arg=v$/m);
      await shell.press("Tab");
      const screen = await shell.shows(/^qmp> go arg=value $/m);
      assertMatch(screen, /^Connected to version unknown, /);
      // Nothing has been cleared or overwritten.
      assertEquals(screen.match(/u\{9b\}2J/g)?.length, 4);
      assertEquals(await shell.title(), "");
      assertFalse((await shell.clipboard()).includes("evil"));
    }),
});
