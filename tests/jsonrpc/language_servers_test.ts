import { assert, assertEquals, assertMatch } from "@std/assert";
import { LSPPeer } from "../../jsonrpc/lsp.ts";
import { stdio } from "../../mod.ts";

/** A document of a workspace of its own. */
async function workspace(
  name: string,
  text: string,
): Promise<{ root: string; uri: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/${name}`, text);
  return {
    root: `file://${folder}`,
    uri: `file://${folder}/${name}`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("deno lsp: initialize, diagnostics, hover, completion, shutdown, exit", async () => {
  const text = 'const greeting: number = "hello";\ngreeting.toFi\n';
  await using files = await workspace("main.ts", text);
  const editor = new LSPPeer({
    timeout: 60_000,
    methods: {
      "workspace/configuration": ({ items }: { items: unknown[] }) =>
        items.map(() => ({ enable: true })),
      "client/registerCapability": () => null,
      "window/workDoneProgress/create": () => null,
    },
  });
  await editor.connect(stdio({
    command: Deno.execPath(),
    args: ["lsp"],
    env: { DENO_NO_UPDATE_CHECK: "1" },
  }));
  const { capabilities } = await editor.request("initialize", {
    processId: Deno.pid,
    rootUri: files.root,
    capabilities: { workspace: { configuration: true } },
    initializationOptions: { enable: true },
    workspaceFolders: [{ uri: files.root, name: "test" }],
  });
  assert(capabilities.hoverProvider);
  await editor.notify("initialized", {});
  using diagnostics = editor.notifications("textDocument/publishDiagnostics", {
    filter: ({ params }) => {
      const { uri, diagnostics } = params as {
        uri: string;
        diagnostics: unknown[];
      };
      return uri === files.uri && diagnostics.length > 0;
    },
  });
  await editor.notify("textDocument/didOpen", {
    textDocument: {
      uri: files.uri,
      languageId: "typescript",
      version: 1,
      text,
    },
  });
  const { params } = await diagnostics.next(undefined, { timeout: 60_000 });
  const messages = (params as { diagnostics: { message: string }[] })
    .diagnostics.map(({ message }) => message);
  assertMatch(messages.join("\n"), /not assignable to type 'number'/);

  const textDocument = { uri: files.uri };
  const hover = await editor.request("textDocument/hover", {
    textDocument,
    position: { line: 0, character: 8 },
  });
  assertMatch(JSON.stringify(hover), /const greeting: number/);
  const completion = await editor.request("textDocument/completion", {
    textDocument,
    position: { line: 1, character: 13 },
  });
  assertMatch(JSON.stringify(completion), /toFixed/);

  assertEquals(await editor.request("shutdown"), null);
  await editor.notify("exit");
  await editor.closed.catch(() => {}); // The server ends the stream.
  await editor[Symbol.asyncDispose]();
});

Deno.test("bash-language-server, from npm: initialize, hover, symbols, shutdown", async () => {
  const text = "#!/bin/bash\ngreet() {\n  echo hello\n}\ngreet\n";
  await using files = await workspace("main.sh", text);
  const editor = new LSPPeer({ timeout: 60_000 });
  await editor.connect(stdio({
    command: Deno.execPath(),
    args: ["run", "-A", "npm:bash-language-server@5.6.0", "start"],
  }));
  const { capabilities } = await editor.request("initialize", {
    processId: Deno.pid,
    rootUri: files.root,
    capabilities: {},
  });
  assert(capabilities.documentSymbolProvider);
  await editor.notify("initialized", {});
  const textDocument = { uri: files.uri };
  await editor.notify("textDocument/didOpen", {
    textDocument: {
      ...textDocument,
      languageId: "shellscript",
      version: 1,
      text,
    },
  });
  const symbols = await editor.request("textDocument/documentSymbol", {
    textDocument,
  });
  assertEquals(symbols.map(({ name }: { name: string }) => name), ["greet"]);
  assertEquals(await editor.request("shutdown"), null);
  await editor.notify("exit");
  await editor.closed.catch(() => {}); // The server ends the stream.
  await editor[Symbol.asyncDispose]();
});
