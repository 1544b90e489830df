import { assert, assertEquals, assertStringIncludes } from "@std/assert";

const root = new URL("../../", import.meta.url);

/** A script that has only the URL: it runs a session at each end. */
const script = (url: string) => `
  import { jsonLines, memoryPair, Peer } from "${url}";

  const [near, far] = memoryPair();
  await using client = new Peer<unknown>({ codec: jsonLines });
  await using server = new Peer<unknown>({ codec: jsonLines });
  await Promise.all([client.connect(near), server.connect(far)]);

  await client.send({ question: "Is anybody there?" });
  for await (const message of server) {
    console.log(client.runstate, message);
    break;
  }
`;

for (const contentType of ["text/typescript", "text/plain"]) {
  Deno.test(`a script in an empty folder imports mod.ts by URL, served as ${contentType}`, async () => {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => serveFile(request, contentType),
    );
    const host = `127.0.0.1:${server.addr.port}`;
    const { code, stdout, stderr } = await runInEmptyFolder(
      script(`http://${host}/mod.ts`),
      [`--allow-import=${host}`],
    );
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, `running { question: "Is anybody there?" }`);
  });
}

/** A third party's test of its own transport. */
const thirdParty = (url: string) => `
  import { faulty, scriptedPeer, testCodec, testTransport } from "${url}/testing/mod.ts";
  import { jsonLines, memory, memoryPair } from "${url}/mod.ts";

  testTransport("pair", () => memoryPair());
  testCodec("jsonLines()", jsonLines, { one: { input: "1\\n", messages: [1] } });
  Deno.test("script", async () => {
    const peer = scriptedPeer([{ expect: "a" }]);
    await peer.connection.writable.getWriter().write(Uint8Array.of(97));
    await peer[Symbol.asyncDispose]();
    faulty(memory());
  });
`;

Deno.test("a test in an empty folder imports testing/mod.ts by URL", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => serveFile(request, "text/typescript"),
  );
  const host = `127.0.0.1:${server.addr.port}`;
  const { code, stdout, stderr } = await runInEmptyFolder(
    thirdParty(`http://${host}`),
    [`--allow-import=${host}`],
    { command: "test" },
  );
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "| 0 failed");
});

const readme = await Deno.readTextFile(new URL("README.md", root));

/** The first match in the README. */
function inReadme(pattern: RegExp): string {
  const [, found] = readme.match(pattern) ?? [];
  assert(found !== undefined, `the README has no ${pattern}`);
  return found;
}

/** A registry that has a small `@std/assert` alone. */
async function serveAssertions({ url }: Request): Promise<Response> {
  const source = new TextEncoder().encode(`
    import { deepStrictEqual } from "node:assert";
    export function assertEquals(actual: unknown, expected: unknown): void {
      deepStrictEqual(actual, expected);
    }
  `);
  const digest = await crypto.subtle.digest("SHA-256", source);
  const checksum = `sha256-${new Uint8Array(digest).toHex()}`;
  const files: Record<string, BodyInit> = {
    "meta.json": JSON.stringify({ versions: { "1.0.0": {} } }),
    "1.0.0_meta.json": JSON.stringify({
      manifest: { "/mod.ts": { size: source.length, checksum } },
      exports: { ".": "./mod.ts" },
    }),
    "1.0.0/mod.ts": source,
  };
  const body = files[new URL(url).pathname.replace("/@std/assert/", "")];
  return new Response(body ?? null, { status: body ? 200 : 404 });
}

Deno.test("an example of the README runs in an empty folder, with the README's import map and flags", async () => {
  const quiet = { hostname: "127.0.0.1", port: 0, onListen() {} };
  await using parley = Deno.serve(
    quiet,
    (request) => serveFile(request, "text/typescript"),
  );
  await using registry = Deno.serve(quiet, serveAssertions);
  const host = `127.0.0.1:${parley.addr.port}`;
  const jsr = `127.0.0.1:${registry.addr.port}`;
  const here = (text: string) =>
    text.replaceAll("https://HOST/PATH/parley", `http://${host}`)
      .replaceAll("HOST", host).replaceAll("jsr.io", jsr);
  const { code, stderr } = await runInEmptyFolder(
    inReadme(/^```ts\n([^`]*?createCodec[^]*?)^```/m),
    [
      ...inReadme(/`(--allow-import[^`]*)`/).split(" "),
      ...inReadme(/`(--allow-net [^`]*)`/).split(" "),
    ].map(here),
    { config: here(inReadme(/^```json\n([^]*?)^```/m)), registry: jsr },
  );
  assertEquals(code, 0, stderr);
});

async function serveFile(
  request: Request,
  contentType: string,
): Promise<Response> {
  const path = new URL(request.url).pathname.slice(1);
  const body = await Deno.readFile(new URL(path, root));
  return new Response(body, { headers: { "content-type": contentType } });
}

interface RunOptions {
  command?: "run" | "test";
  /** The `deno.json`. */
  config?: string;
  /** The host in place of jsr.io. */
  registry?: string;
}

/**
 * Runs a script without a module cache. The npm packages are those already
 * fetched, so that no registry is needed.
 */
async function runInEmptyFolder(
  script: string,
  flags: string[],
  { command = "run", config, registry }: RunOptions = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const folder = await Deno.makeTempDir({ prefix: "parley-" });
  const cache = await Deno.makeTempDir({ prefix: "parley-" });
  try {
    await Deno.symlink(await npmCache(), `${cache}/npm`);
    await Deno.writeTextFile(`${folder}/main.ts`, script);
    if (config !== undefined) {
      await Deno.writeTextFile(`${folder}/deno.json`, config);
    }
    const output = await new Deno.Command(Deno.execPath(), {
      args: [command, "--no-prompt", "--check=all", ...flags, "main.ts"],
      cwd: folder,
      env: {
        ...{ DENO_DIR: cache, NO_COLOR: "1" },
        ...registry === undefined ? {} : { JSR_URL: `http://${registry}/` },
      },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return {
      code: output.code,
      stdout: text(output.stdout),
      stderr: text(output.stderr),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
    await Deno.remove(cache, { recursive: true });
  }
}

/** The folder of the packages that have been fetched. */
async function npmCache(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
    stderr: "inherit",
  }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
  return npmCache;
}
