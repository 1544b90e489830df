import { assertEquals, assertStringIncludes } from "@std/assert";

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
    "test",
  );
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "| 0 failed");
});

async function serveFile(
  request: Request,
  contentType: string,
): Promise<Response> {
  const path = new URL(request.url).pathname.slice(1);
  const body = await Deno.readFile(new URL(path, root));
  return new Response(body, { headers: { "content-type": contentType } });
}

/**
 * Runs a script without configuration and without a module cache. The npm
 * packages are those already fetched, so that no registry is needed.
 */
async function runInEmptyFolder(
  script: string,
  flags: string[],
  command = "run",
): Promise<{ code: number; stdout: string; stderr: string }> {
  const folder = await Deno.makeTempDir({ prefix: "parley-" });
  const cache = await Deno.makeTempDir({ prefix: "parley-" });
  try {
    await Deno.symlink(await npmCache(), `${cache}/npm`);
    await Deno.writeTextFile(`${folder}/main.ts`, script);
    const output = await new Deno.Command(Deno.execPath(), {
      args: [command, "--no-prompt", "--check=all", ...flags, "main.ts"],
      cwd: folder,
      env: { DENO_DIR: cache, NO_COLOR: "1" },
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
