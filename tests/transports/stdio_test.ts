import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { toBytes, toText } from "@std/streams";
import { lines, Peer } from "../../protocol/mod.ts";
import { noise } from "../../testing/_util/bytes.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { testTransport } from "../../testing/mod.ts";
import {
  type Connection,
  fromStreams,
  parseTransport,
  stdio,
  type StdioOptions,
  unix,
} from "../../transports/mod.ts";
import { denoSystem } from "../../transports/_deno/deno_system.ts";
import type { System } from "../../transports/_system/system.ts";
import { stdioOf } from "../../transports/stdio.ts";
import { isAlive } from "../support/is_alive.ts";
import { turns } from "../support/turns.ts";
import { killedAtStart } from "../support/killed_at_start.ts";
import { runWithFlags } from "../support/permissions.ts";
import { runDeno } from "../support/program.ts";
import { untyped } from "../support/untyped.ts";

const transports = new URL("../../transports/mod.ts", import.meta.url).href;
const folder = await Deno.makeTempDir();
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));
let sockets = 0;

/** A child process that relays all bytes, and the far end that it leads to. */
async function pair(): Promise<readonly [Connection, Connection]> {
  const path = `${folder}/${sockets++}`;
  await using listener = await unix({ path }).listen();
  const args = ["-t1000", "-,shut-close", `UNIX-CONNECT:${path}`];
  const near = await stdio({ command: "socat", args }).connect();
  const far = await listener.accept();
  const addresses = {
    localAddress: near.remoteAddress,
    remoteAddress: near.localAddress,
  };
  return [
    near,
    fromStreams(far, { ...addresses, abort: (reason) => far.abort(reason) }),
  ];
}

testTransport("stdio", pair);

/** Starts a script of sh, which gets the other arguments as $1 and so on. */
function sh(script: string, options: Partial<StdioOptions> = {}) {
  const args = ["-c", script, "sh", ...options.args ?? []];
  return stdio({ command: "sh", ...options, args }).connect();
}

async function ended(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function firstLine(connection: Connection): Promise<string> {
  let text = "";
  const into = new Uint8Array(100);
  while (!text.includes("\n")) {
    const count = await connection.read(into);
    assert(count !== null, "The output has ended");
    text += new TextDecoder().decode(into.subarray(0, count));
  }
  return text.trim();
}

Deno.test("stdio: cwd, env and args reach the process", async () => {
  const connection = await sh('echo "$PWD $COLOUR $HOME $1"', {
    cwd: folder,
    env: { COLOUR: "blue", HOME: "/nowhere" },
    args: ["a b"],
  });
  assertEquals(
    await toText(connection.readable),
    `${folder} blue /nowhere a b\n`,
  );
  await connection.close();
});

Deno.test("stdio: the error of a failed process has its exit code and its last lines", async () => {
  const connection = await sh(
    "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i >&2; done; echo out; printf 'bad \\033[31m' >&2; exit 3",
  );
  assertEquals(await firstLine(connection), "out");
  const error = await assertRejects(
    () => connection.read(new Uint8Array(8)),
    Deno.errors.UnexpectedEof,
    "Read from stdio:sh -c ",
  );
  assertStringIncludes(
    error.message,
    ": the process has exited with code 3: line 92 | ",
  );
  assertStringIncludes(error.message, " | line 100 | bad \\u{1b}[31m");
  // Later reads fail in the same way, also of the streams.
  await assertRejects(
    () => toBytes(connection.readable),
    Deno.errors.UnexpectedEof,
  );
  const written = await rejection((async () => {
    for (;;) await connection.write(noise(10));
  })());
  assertInstanceOf(written, Deno.errors.BrokenPipe);
  assertStringIncludes(written.message, "exited with code 3");
  await connection.close();
});

Deno.test("stdio: if a signal ends the process, the end is not orderly", async () => {
  const connection = await sh("kill -USR1 $$");
  await assertRejects(
    () => connection.read(new Uint8Array(8)),
    Deno.errors.UnexpectedEof,
    "the process was ended by SIGUSR1",
  );
  await connection.close();
});

Deno.test("stdio: the error of a session says why its server has failed", async () => {
  const peer = new Peer({ codec: lines });
  await peer.connect(stdio({
    command: "sh",
    args: ["-c", "read line; echo 'no such model' >&2; exit 7"],
  }));
  await peer.send("hello");
  await assertRejects(
    () => peer.receive(),
    Deno.errors.UnexpectedEof,
    "the process has exited with code 7: no such model",
  );
  await assertRejects(() => peer.disconnect(), Deno.errors.UnexpectedEof);
});

Deno.test("stdio: megabytes of stderr do not block the process, whether kept or discarded", async () => {
  for (const stderr of ["keep", "null"] as const) {
    const connection = await sh(
      "head -c 5000000 /dev/zero >&2; echo done; cat",
      { stderr },
    );
    assertEquals(await firstLine(connection), "done");
    await connection.close();
  }
});

Deno.test("stdio: close() lets the process finish what it writes after its input has ended", async () => {
  const file = `${folder}/finished`;
  const connection = await sh(
    'cat >/dev/null; head -c 3000000 /dev/zero && echo finished > "$1"',
    { args: [file] },
  );
  await connection.write(noise(1000));
  await connection.close();
  assertEquals(await Deno.readTextFile(file), "finished\n");
});

Deno.test("stdio: close() ends a process that ignores the end of its input, by SIGTERM and by SIGKILL", async () => {
  const deaf = "trap '' TERM; echo $$; while :; do sleep 1; done";
  const stubborn = "echo $$; while :; do sleep 1; done";
  await Promise.all([deaf, stubborn].map(async (script) => {
    const connection = await sh(script);
    const pid = Number(await firstLine(connection));
    await connection.close();
    await connection.closed;
    assertEquals(isAlive(pid), false);
  }));
});

Deno.test("stdio: close() ends a process that does not read its input, and fails the write", async () => {
  const sleeps = "echo $$; exec sleep 1000";
  const deaf = "trap '' TERM; echo $$; exec sleep 1000";
  await Promise.all([sleeps, deaf].map(async (script) => {
    const connection = await sh(script);
    const pid = Number(await firstLine(connection));
    const write = rejection(connection.write(new Uint8Array(2 ** 20)));
    await connection.close();
    await connection.closed;
    assertEquals(isAlive(pid), false);
    assertInstanceOf(await write, Deno.errors.BrokenPipe);
  }));
});

Deno.test({
  name:
    "stdio: close() fails a write whose pipe a helper of the ended process holds",
  // Deno cannot take such a write back: it ends with the helper.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const connection = await sh("exec 3<&0; sleep 1000 <&3 & echo $!");
    const helper = Number(await firstLine(connection));
    const write = rejection(connection.write(new Uint8Array(2 ** 20)));
    await connection.close();
    assertInstanceOf(await write, Deno.errors.BrokenPipe);
    Deno.kill(helper, "SIGKILL");
    await turns();
  },
});

Deno.test("stdio: a write that close() waits for fails with the reason of the process", async () => {
  const connection = await sh(
    "head -c 1 >/dev/null; echo full >&2; exit 3",
  );
  const write = rejection(connection.write(new Uint8Array(2 ** 20)));
  await connection.close();
  const error = await write;
  assertInstanceOf(error, Deno.errors.BrokenPipe);
  assertStringIncludes(error.message, "exited with code 3: full");
});

Deno.test("stdio: closed rejects with the reason of abort() when the process is gone", async () => {
  const connection = await sh(
    "trap '' TERM; echo $$; while :; do sleep 1; done",
  );
  const pid = Number(await firstLine(connection));
  const reason = new Error("enough");
  connection.abort(reason);
  assertStrictEquals(await rejection(connection.closed), reason);
  assertEquals(isAlive(pid), false);
});

Deno.test("stdio: a helper that outlives its process does not delay close()", async () => {
  const connection = await sh("sleep 1000 & echo $!");
  const helper = Number(await firstLine(connection));
  await connection.close();
  Deno.kill(helper, "SIGKILL");
});

for (
  const [how, end] of [
    ["a signal that kills it", 'Deno.kill(Deno.pid, "SIGKILL");'],
    ["Deno.exit()", "Deno.exit();"],
    ["an uncaught error", 'throw new Error("uncaught");'],
  ] as const
) {
  Deno.test(`stdio: no process is left when this one ends by ${how}`, async () => {
    const pids = [];
    for (const script of ["cat", "trap '' TERM; while :; do sleep 1; done"]) {
      const file = `${folder}/program.ts`;
      await Deno.writeTextFile(
        file,
        `import { stdio } from ${JSON.stringify(transports)};
        const args = ["-c", ${JSON.stringify(`echo $$; ${script}`)}];
        const connection = await stdio({ command: "sh", args }).connect();
        const into = new Uint8Array(100);
        const count = await connection.read(into);
        Deno.stdout.writeSync(into.subarray(0, count ?? 0));
        ${end}`,
      );
      const { stdout } = await runDeno(["run", "--allow-all", file]);
      pids.push(Number(stdout));
    }
    assert(pids.every((pid) => pid > 0), `${pids}`);
    await Promise.all(pids.map(ended));
  });
}

Deno.test("stdio: no process is left when this one is killed a turn after it has started it", async () => {
  const args = ["-c", "exec sleep 1000"];
  const module = `
    import { stdio } from ${JSON.stringify(transports)};
    await stdio({ command: "sh", args: ${JSON.stringify(args)} }).connect();`;
  await ended(await killedAtStart("a turn later", 2, module));
});

Deno.test("stdio: the error names a program or a folder that does not exist", async () => {
  await assertRejects(
    () => stdio({ command: "no-such-program", args: ["x"] }).connect(),
    Deno.errors.NotFound,
    "Connect to stdio:no-such-program x: Failed to spawn 'no-such-program'",
  );
  await assertRejects(
    () => stdio({ command: "cat", cwd: "/no/such/folder" }).connect(),
    Deno.errors.NotFound,
    "No such cwd '/no/such/folder'",
  );
});

Deno.test("stdio: errors show the first 200 characters of the command line, and toString() all", async () => {
  // Linux takes 128 KiB at most in one argument.
  const args = ["x".repeat(200_000)];
  const transport = stdio({ command: "cat", args });
  const shown = `stdio:cat ${"x".repeat(190)}…`;
  const failed = await rejection(transport.connect());
  assertInstanceOf(failed, Error);
  assertStringIncludes(failed.message, `Connect to ${shown}: Failed to spawn`);
  const refused = await rejection(transport.listen());
  assertInstanceOf(refused, Deno.errors.NotSupported);
  assertStringIncludes(refused.message, `Listen at ${shown}: `);
  assertEquals(`${transport}`, `stdio:cat ${args[0]}`);
});

Deno.test("stdio: if the keeper cannot be started, nothing else is", async () => {
  const commands: string[] = [];
  const system: System = {
    ...denoSystem,
    spawn(command) {
      commands.push(command);
      throw new Deno.errors.WouldBlock("no more processes");
    },
  };
  const error = await rejection(stdioOf(system, { command: "cat" }).connect());
  assertInstanceOf(error, Deno.errors.WouldBlock);
  assertEquals(error.message, "Connect to stdio:cat: no more processes");
  assertEquals(commands, ["sh"]);
});

Deno.test("stdio: an attempt that is aborted while the program starts leaves nothing open", async () => {
  let pid = 0;
  const attempt = new AbortController();
  const reason = new Error("enough");
  const system: System = {
    ...denoSystem,
    async spawn(command, options) {
      const child = await denoSystem.spawn(command, options);
      if (command === "cat") {
        pid = child.pid;
        attempt.abort(reason);
      }
      return child;
    },
  };
  const { signal } = attempt;
  const connecting = stdioOf(system, { command: "cat" }).connect({ signal });
  assertStrictEquals(await rejection(connecting), reason);
  assert(pid > 0 && !isAlive(pid), "The process goes on");
});

Deno.test("stdio: with an aborted signal nothing is started, and listening is refused", async () => {
  const transport = stdio({ command: "no-such-program" });
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  assertStrictEquals(await rejection(transport.connect({ signal })), reason);
  await assertRejects(
    () => transport.listen(),
    Deno.errors.NotSupported,
    "Listen at stdio:no-such-program: ",
  );
});

Deno.test("stdio: the error of a missing permission names the flag, which is enough", async () => {
  const code = `
    import { stdio } from "./transports/mod.ts";
    const connection = await stdio({ command: "cat" }).connect();
    await connection.close();`;
  const refused = await runWithFlags(code, []);
  assertStringIncludes(refused, "run again with --allow-run=cat\n");
  assertEquals(await runWithFlags(code, ["--allow-run=cat"]), "");
});

Deno.test("stdio() refuses invalid options, naming option and value", () => {
  const bad = untyped<StdioOptions>([
    [{}, TypeError, "command is undefined"],
    [{ command: "" }, TypeError, 'command is ""'],
    [{ command: "x", args: "y" }, TypeError, 'args is "y"'],
    [{ command: "x", args: [1] }, TypeError, "args[0] is 1"],
    [{ command: "x", cwd: 1 }, TypeError, "cwd is 1"],
    [{ command: "x", env: { A: 1 } }, TypeError, "env.A is 1"],
    [{ command: "x", stderr: "file" }, TypeError, 'stderr is "file"'],
  ]);
  for (const [options, errorClass, message] of bad) {
    assertThrows(() => stdio(options), errorClass, message);
  }
});

Deno.test("stdio: an address of words and quotes starts the program", async () => {
  const transport = parseTransport(
    `stdio:sh -c 'echo "$0 $1"' "a\\u0020b" c'd'e`,
  );
  const connection = await transport.connect();
  assertEquals(await toText(connection.readable), "a b cde\n");
  await connection.close();
});
