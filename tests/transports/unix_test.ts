import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { type Address, unix, type UnixOptions } from "../../transports/mod.ts";
import { meet } from "../../testing/_laws/meet.ts";
import { testTransport } from "../../testing/mod.ts";
import { runWithFlags } from "../support/permissions.ts";
import { makeStale } from "../support/transports/stale_socket.ts";
import { untyped } from "../support/untyped.ts";
import { rejection } from "../../testing/_util/rejection.ts";

const folder = Deno.makeTempDirSync();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

let paths = 0;
const freePath = () => `${folder}/${paths++}`;

function make(address?: Address) {
  if (!address) return unix({ path: freePath() });
  assert("path" in address);
  return unix(address);
}
function makeAbstract(address?: Address) {
  return address ? make(address) : unix({ path: `@${crypto.randomUUID()}` });
}

const ends = { server: make, client: make };
testTransport("unix", ends);
testTransport("abstract unix", { server: makeAbstract, client: makeAbstract });

Deno.test("unix() refuses wrong options, naming option and value", () => {
  const bad: [UnixOptions, typeof Error, string][] = [
    [{ path: "" }, TypeError, 'path is ""'],
    [{ path: "/a\0b" }, TypeError, "path is "],
    [{ path: "/a", mode: 0o1000 }, RangeError, "mode is 512"],
    [{ path: "/a", mode: -1 }, RangeError, "mode is -1"],
    [{ path: "/a", mode: 0.5 }, RangeError, "mode is 0.5"],
    ...untyped<UnixOptions>([
      [{}, TypeError, "path is undefined"],
      [{ path: 7 }, TypeError, "path is 7"],
      [{ path: "/a", mode: "600" }, TypeError, 'mode is "600"'],
    ]),
  ];
  for (const [options, errorClass, message] of bad) {
    assertThrows(() => unix(options), errorClass, message);
  }
});

Deno.test("unix() prints its address", () => {
  assertEquals(unix({ path: "/run/s" }).toString(), "unix:/run/s");
  assertEquals(unix({ path: "@s" }).toString(), "unix:@s");
});

Deno.test("unix: a connecting end has no path", async () => {
  const [near, far] = await meet(ends);
  await using _near = near;
  await using _far = far;
  assertEquals(near.localAddress, { transport: "unix", path: "" });
  assertEquals(far.remoteAddress, { transport: "unix", path: "" });
});

Deno.test("unix: the error of a failed connect has the path and the reason", async () => {
  const path = freePath();
  await assertRejects(
    () => unix({ path }).connect(),
    Deno.errors.NotFound,
    `Connect to unix:${path}: No such file or directory (os error 2)`,
  );
  await makeStale(path);
  const error = await assertRejects(
    () => unix({ path }).connect(),
    Deno.errors.ConnectionRefused,
    `Connect to unix:${path}: `,
  );
  assertInstanceOf(error.cause, Deno.errors.ConnectionRefused);
  await Deno.remove(path);
});

Deno.test("unix: an error of an accepted connection names the path of the listener", async () => {
  for (const path of [freePath(), `@${crypto.randomUUID()}`]) {
    const transport = unix({ path });
    await using listener = await transport.listen();
    const [near, far] = await Promise.all([
      transport.connect(),
      listener.accept(),
    ]);
    // Unread bytes turn the end into a reset.
    await far.write(new Uint8Array(10));
    near.abort();
    await assertRejects(
      () => far.read(new Uint8Array(10)),
      Deno.errors.ConnectionReset,
      `Read from unix:${path}: `,
    );
    await assertRejects(
      () => far.write(new Uint8Array(10)),
      Error,
      `Write to unix:${path}: `,
    );
    far.abort();
  }
});

Deno.test("unix: the file has its mode at every moment", async () => {
  const path = freePath();
  const watcher = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `const modes = new Set();
       const listen = Deno.stdin.readable.getReader().read();
       let done = false;
       listen.then(() => done = true);
       console.log("watching");
       while (!done) {
         for (let i = 0; i < 100; i++) {
           try { modes.add(Deno.lstatSync(${
        JSON.stringify(path)
      }).mode & 0o777); } catch {}
         }
         await new Promise((resolve) => setTimeout(resolve, 0));
       }
       console.log([...modes].join());`,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = watcher.stdout.pipeThrough(new TextDecoderStream())
    .getReader();
  assertEquals((await output.read()).value, "watching\n");
  for (let i = 0; i < 300; i++) {
    await using _ = await unix({ path }).listen();
    assertEquals((await Deno.lstat(path)).mode ?? 0, 0o140600);
  }
  await watcher.stdin.close();
  assertEquals((await output.read()).value, `${0o600}\n`);
  await output.cancel();
  await watcher.status;
});

Deno.test("unix: the file has the mode of the option", async () => {
  const path = freePath();
  await using _ = await unix({ path, mode: 0o666 }).listen();
  assertEquals((await Deno.lstat(path)).mode ?? 0, 0o140666);
});

Deno.test("unix: a listener leaves nothing behind", async () => {
  const room = await Deno.makeTempDir({ dir: folder });
  const listener = await unix({ path: `${room}/s` }).listen();
  assertEquals(Array.from(Deno.readDirSync(room), (f) => f.name), ["s"]);
  await listener.close();
  assertEquals([...Deno.readDirSync(room)], []);
});

Deno.test("unix: a stale socket file is replaced", async () => {
  const path = freePath();
  await makeStale(path);
  const transport = unix({ path });
  await using listener = await transport.listen();
  await using _near = await transport.connect();
  await using _far = await listener.accept();
});

Deno.test("unix: of 20 listeners that replace a stale socket, one succeeds, each of 100 times", async () => {
  for (let round = 0; round < 100; round++) {
    const path = freePath();
    await makeStale(path);
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () => unix({ path }).listen()),
    );
    const won = results.filter((r) => r.status === "fulfilled");
    assertEquals(won.length, 1);
    for (const result of results) {
      if (result.status === "fulfilled") continue;
      assertInstanceOf(result.reason, Deno.errors.AddrInUse);
    }
    await using _near = await unix({ path }).connect();
    await won[0]?.value.close();
    await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
  }
});

Deno.test("unix: a file that is not a socket is refused and left alone", async () => {
  const path = freePath();
  const target = freePath();
  await makeStale(target);
  const make: [string, () => Promise<void>][] = [
    ["file", () => Deno.writeTextFile(path, "precious")],
    ["folder", () => Deno.mkdir(path)],
    ["link", () => Deno.symlink(target, path)],
  ];
  for (const [kind, put] of make) {
    await put();
    const before = await Deno.lstat(path);
    await assertRejects(
      () => unix({ path }).listen(),
      Deno.errors.AddrInUse,
      `Listen at unix:${path}: the file there is not a socket`,
      kind,
    );
    assertEquals((await Deno.lstat(path)).ino, before.ino, kind);
    await Deno.remove(path);
  }
  assert((await Deno.lstat(target)).isSocket);
  await Deno.remove(target);
});

Deno.test("unix: close() leaves a file alone that is in place of its own", async () => {
  const path = freePath();
  const listener = await unix({ path }).listen();
  await Deno.remove(path);
  await Deno.writeTextFile(path, "precious");
  await listener.close();
  assertEquals(await Deno.readTextFile(path), "precious");
  await Deno.remove(path);
});

Deno.test("unix: a connect waits while the listener's queue is full", async () => {
  const path = freePath();
  await using listener = await unix({ path }).listen();
  const waiting: Deno.UnixConn[] = [];
  try {
    for (;;) waiting.push(await Deno.connect({ transport: "unix", path }));
  } catch (error) {
    assertInstanceOf(error, Deno.errors.WouldBlock);
  }
  const connect = unix({ path }).connect();
  (await listener.accept()).abort();
  (await listener.accept()).abort();
  (await connect).abort();
  // With a signal the wait ends at once.
  for (;;) {
    try {
      waiting.push(await Deno.connect({ transport: "unix", path }));
    } catch {
      break;
    }
  }
  const controller = new AbortController();
  const refused = unix({ path }).connect({ signal: controller.signal });
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await rejection(refused), reason);
  for (const raw of waiting) raw.close();
});

Deno.test("unix: the error of a missing permission names the flags", async () => {
  const room = await Deno.makeTempDir({ dir: folder });
  const code = (path: string, act: string) => `
    import { unix } from "./transports/mod.ts";
    const resource = await unix({ path: "${path}" }).${act}();
    await resource.close();`;
  const path = `${room}/s`;
  const long = `${room}/`.padEnd(100, "f");
  await Deno.mkdir(long);
  await using _file = await unix({ path }).listen();
  const abstract = `@${crypto.randomUUID()}`;
  await using _abstract = await unix({ path: abstract }).listen();
  const files = [`--allow-read=${path}`, `--allow-write=${path}`];
  const beside = [`--allow-read=${room}`, `--allow-write=${room}`];
  for (
    const [code_, flags] of [
      [code(path, "connect"), [`--allow-net=unix:${path}`, ...files]],
      [code(`${room}/t`, "listen"), ["--allow-net", ...beside]],
      [code(abstract, "connect"), ["--allow-net"]],
      [code("@t", "listen"), ["--allow-net"]],
      [code(`${long}/s`, "listen"), ["--allow-all"]],
    ] as const
  ) {
    const refused = await runWithFlags(code_, []);
    assert(refused.includes("NotCapable"), refused);
    assert(refused.includes(`run again with ${flags.join(" ")}\n`), refused);
    assertEquals(await runWithFlags(code_, flags), "");
  }
});
