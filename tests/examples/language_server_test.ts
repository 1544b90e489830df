import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
} from "@std/assert";
import {
  type Diagnostic,
  LanguageServer,
} from "../../examples/language_server/client.ts";
import { CallInterruptedError } from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { deadline } from "@std/async";
import { runDeno } from "../support/program.ts";

/** A project with one file. */
async function project(
  name: string,
  text: string,
): Promise<{ folder: string; root: string; uri: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/${name}`, text);
  return {
    folder,
    root: `file://${folder}`,
    uri: `file://${folder}/${name}`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("deno lsp: initialize, diagnostics, hover, completion, shutdown, exit", async () => {
  const text = 'const greeting: number = "hello";\ngreeting.toFi\n';
  await using files = await project("main.ts", text);
  const server = new LanguageServer({
    command: Deno.execPath(),
    args: ["lsp"],
    root: files.root,
    settings: { enable: true },
  });
  await server.start({ signal: AbortSignal.timeout(60_000) });
  assert(server.capabilities.hoverProvider);
  using reports = server.diagnostics(files.uri);
  await server.open(files.uri, "typescript", text);
  let diagnostics: Diagnostic[] = [];
  while (diagnostics.length === 0) {
    ({ diagnostics } = (await reports.next()).params);
  }
  const messages = diagnostics.map(({ message }) => message).join("\n");
  assertMatch(messages, /not assignable to type 'number'/);

  const hover = await server.at("hover", files.uri, { line: 0, character: 8 });
  assertMatch(JSON.stringify(hover), /const greeting: number/);
  const completion = await server.at("completion", files.uri, {
    line: 1,
    character: 13,
  });
  assertMatch(JSON.stringify(completion), /toFixed/);
  await server.stop();
});

Deno.test("bash-language-server, from npm: initialize, symbols, shutdown", async () => {
  const text = "#!/bin/bash\ngreet() {\n  echo hello\n}\ngreet\n";
  await using files = await project("main.sh", text);
  const server = new LanguageServer({
    command: Deno.execPath(),
    args: ["run", "-A", "npm:bash-language-server@5.6.0", "start"],
    root: files.root,
  });
  await server.start();
  await server.open(files.uri, "shellscript", text);
  const symbols = await server.symbols(files.uri);
  assertEquals(symbols.map(({ name }) => name), ["greet"]);
  await server.stop();
});

Deno.test("a language server that is killed interrupts its calls, which were sent", async () => {
  await using files = await project("main.ts", "");
  const server = new LanguageServer({
    command: "sh",
    args: ["-c", 'echo $$ > pid; exec "$0" lsp', Deno.execPath()],
    root: files.root,
    settings: { enable: true },
    cwd: files.folder,
  });
  await server.start();
  const pid = Number(await Deno.readTextFile(`${files.folder}/pid`));
  Deno.kill(pid, "SIGSTOP");
  const call = rejection(
    server.at("hover", files.uri, { line: 0, character: 0 }),
  );
  Deno.kill(pid, "SIGKILL");
  const error = await call;
  assertInstanceOf(error, CallInterruptedError);
  assertEquals([error.method, error.sent], ["textDocument/hover", true]);
  await server[Symbol.asyncDispose]();
});

/** A server that answers, but stays after `exit` and the end of its input. */
const STUBBORN = `
import { ownStdio } from "@parley/parley";
import { LSPPeer } from "@parley/parley/jsonrpc/lsp";
setInterval(() => {}, 1000);
const ignored = () => {};
const initialize = () => ({ capabilities: {} });
const peer = new LSPPeer({
  methods: { initialize, shutdown: () => null, initialized: ignored, exit: ignored },
});
await peer.connect(ownStdio());
await peer.closed.catch(ignored);
`;

Deno.test("a language server that says nothing and does not end can be left", async () => {
  const server = new LanguageServer({
    command: Deno.execPath(),
    args: ["eval", STUBBORN],
    root: "file:///project",
  });
  await server.start();
  const abort = new AbortController();
  const { signal } = abort;
  const report = rejection(server.diagnostics("file:///a", { signal }).next());
  abort.abort(new Error("enough"));
  assertEquals(await report, signal.reason);
  await deadline(server.stop(), 30_000);
});

Deno.test("the demo tells the diagnostics of a file", async () => {
  await using files = await project("main.ts", 'const n: number = "x";\n');
  const { code, stdout, stderr } = await runDeno([
    ...[
      "run",
      "--allow-run",
      "--allow-read",
      "examples/language_server/main.ts",
    ],
    `${files.folder}/main.ts`,
  ]);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /main\.ts:1: .*not assignable/);
});
