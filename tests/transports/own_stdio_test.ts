import { assertEquals, assertMatch } from "@std/assert";
import { toText } from "@std/streams";
import { lines, Peer } from "../../protocol/mod.ts";
import { stdio } from "../../transports/mod.ts";

const mod = new URL("../../mod.ts", import.meta.url).href;
const folder = await Deno.makeTempDir();
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

/** Runs a program that begins with these imports. */
async function argsOf(code: string): Promise<string[]> {
  const file = `${folder}/${crypto.randomUUID()}.ts`;
  await Deno.writeTextFile(
    file,
    `import { lines, ownStdio, Peer } from ${JSON.stringify(mod)};\n${code}`,
  );
  return ["run", "--quiet", "--allow-all", "--no-check", file];
}

/** A transport to such a program. */
async function program(code: string) {
  return stdio({ command: Deno.execPath(), args: await argsOf(code) });
}

const server = `
  console.log("before");
  await using peer = new Peer({ codec: lines });
  await peer.connect(ownStdio());
  for (const method of ["log", "info", "debug", "error", "warn", "trace"]) {
    console[method]("corrupt");
  }
  console.dir({ a: 1 });
  console.table([{ a: 1 }]);
  console.group("group");
  console.count();
  console.groupEnd();
  console.time("time");
  console.timeEnd("time");
  for await (const line of peer) {
    await peer.send(line.toUpperCase());
    console.log(line);
  }`;

Deno.test("ownStdio(): a server answers even if its code writes to the console, and ends with its input", async () => {
  const peer = new Peer({ codec: lines });
  await peer.connect(await program(server));
  // It was written before ownStdio() took over the output.
  assertEquals(await peer.receive(), "before");
  for (const word of ["one", "two"]) {
    await peer.send(word);
    assertEquals(await peer.receive(), word.toUpperCase());
  }
  await peer.disconnect();
});

Deno.test("ownStdio(): a process may end its output, write to the console and read on", async () => {
  const transport = await program(`
    const connection = ownStdio();
    await connection.write(new TextEncoder().encode("bye"));
    await connection.closeWrite();
    console.log("still here");
    const into = new Uint8Array(10);
    while (await connection.read(into) !== null);
    await connection.closed;
    console.log("and still");`);
  const connection = await transport.connect();
  const text = toText(connection.readable);
  await connection.closeWrite();
  assertEquals(await text, "bye");
  await connection.closed;
});

Deno.test("ownStdio(): a process that closes its connection ends, even if its input goes on", async () => {
  for (const how of ["await connection.close()", "connection.abort()"]) {
    const transport = await program(`
      const connection = ownStdio();
      connection.read(new Uint8Array(8)).catch(() => {});
      await connection.write(new TextEncoder().encode("bye"));
      ${how};`);
    await using connection = await transport.connect();
    assertEquals(await toText(connection.readable), "bye");
  }
});

Deno.test("ownStdio() is refused while standard input or output is in use", async () => {
  const transport = await program(`
    const connection = ownStdio();
    try {
      ownStdio();
    } catch (error) {
      const text = error.name + ": " + error.message;
      await connection.write(new TextEncoder().encode(text));
    }
    await connection.close();`);
  await using connection = await transport.connect();
  assertMatch(
    await toText(connection.readable),
    /^TypeError: .*readable is locked/,
  );
});

Deno.test("ownStdio(): the error of a client that does not read any more names standard output", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: await argsOf(`
      const connection = ownStdio();
      const bytes = new Uint8Array(8);
      await connection.read(bytes);
      await connection.write(bytes).catch((error) => console.log(String(error)));`),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await child.stdout.cancel();
  await child.stdin.close();
  const told = await toText(child.stderr);
  assertMatch(told, /^BrokenPipe: Write to standard output: Broken pipe/);
  await child.status;
});
