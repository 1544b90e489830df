import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { ConnectError, StateError } from "../../protocol/mod.ts";
import { launch, type LaunchOptions } from "../../qmp/launch.ts";
import { QMPClient } from "../../qmp/mod.ts";
import {
  leavingNothing,
  NO_MACHINE as args,
  script,
} from "../support/qmp/launching.ts";
import { needs } from "../support/servers/qemu.ts";
import { recordRunstates } from "../support/protocol/session.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";

const qemu = needs("qemu-system-x86_64");

const programs: [string, LaunchOptions][] = [
  ["qemu-system-x86_64", { args }],
  ["qemu-storage-daemon", { program: "qemu-storage-daemon" }],
];

for (const [program, options] of programs) {
  Deno.test({
    name:
      `launch() returns a client that is connected to ${program}, and ends it by quit`,
    ...needs(program),
    fn: () =>
      leavingNothing(async () => {
        const client = new QMPClient();
        const states = recordRunstates(client);
        const launched = await launch({ ...options, client });
        assertStrictEquals(launched.client, client);
        const version = await client.execute("query-version");
        assertEquals(version, client.greeting?.QMP.version);
        assert((await Deno.stat(launched.folder)).isDirectory);
        await launched[Symbol.asyncDispose]();
        assertEquals(await launched.status, {
          success: true,
          code: 0,
          signal: null,
        });
        assertEquals(await states.stop(), [
          "connecting",
          "running",
          "disconnecting",
          "idle",
        ]);
      }),
  });
}

Deno.test({
  name: "a stopped program is killed at disposal",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      const launched = await launch({ args, endTimeout: 500 });
      Deno.kill(launched.pid, "SIGSTOP");
      await launched[Symbol.asyncDispose]();
      assertEquals((await launched.status).signal, "SIGKILL");
      assertEquals(launched.client.runstate, "idle");
    }),
});

Deno.test({
  name: "a program that is no longer connected is ended by SIGTERM",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      const launched = await launch({ args });
      await launched.client.disconnect();
      await launched[Symbol.asyncDispose]();
      assertMatch(launched.stderr, /terminating on signal 15/);
    }),
});

Deno.test({
  name: "a program that has ended by itself leaves nothing to do at disposal",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      await using launched = await launch({ args });
      Deno.kill(launched.pid, "SIGKILL");
      assertEquals((await launched.status).signal, "SIGKILL");
    }),
});

Deno.test({
  name:
    "a program that refuses its arguments is a ConnectError with its stderr",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      await assertRejects(
        () => launch({ args: ["-machine", "toaster"] }),
        ConnectError,
        "Failed to start qemu-system-x86_64: it ended with code 1: " +
          "qemu-system-x86_64: unsupported machine type",
      );
    }),
});

Deno.test("launch() names a program that is not on the PATH", () =>
  leavingNothing(async () => {
    await assertRejects(
      () => launch({ program: "no-such-qemu" }),
      Deno.errors.NotFound,
      "Cannot start no-such-qemu: it is not on the PATH",
    );
  }));

Deno.test("a program that does not connect in time is ended", () =>
  leavingNothing(async () => {
    await using silent = await script("echo Hello >&2; exec sleep 1000");
    const client = new QMPClient();
    const error = await assertRejects(
      () => launch({ program: silent.program, client, startTimeout: 200 }),
      ConnectError,
      `Failed to start ${silent.program}: 200 ms passed: Hello`,
    );
    assertInstanceOf(error.cause, DOMException);
    assertEquals(client.runstate, "idle");
  }));

Deno.test({
  name: "a program may have unlimited time to start and to end",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      const forever = { startTimeout: Infinity, endTimeout: Infinity };
      const launched = await launch({ args, ...forever });
      await launched[Symbol.asyncDispose]();
      assert((await launched.status).success);
    }),
});

Deno.test("a folder for temporary files that is too long for a socket is refused with the bytes and the limit", () =>
  leavingNothing(async (folder) => {
    const long = `${folder}/`.padEnd(100, "f");
    await Deno.mkdir(long);
    Deno.env.set("TMPDIR", long);
    const { message } = await assertRejects(() => launch({ args }), RangeError);
    assertMatch(
      message,
      /^Listen at unix:.*: path has 1[3-9]\d bytes, the system allows 10[37]$/,
    );
    await Deno.remove(long);
  }));

Deno.test("launch() refuses a negative time, and starts nothing", () =>
  leavingNothing(async () => {
    for (const name of ["startTimeout", "endTimeout"]) {
      await assertRejects(
        () => launch({ program: "no-such-qemu", [name]: -1 }),
        RangeError,
        `Cannot use the option: ${name} is -1`,
      );
    }
  }));

Deno.test("launch() refuses a program that would go on in the background", () =>
  leavingNothing(async () => {
    for (const option of ["-daemonize", "--daemonize"]) {
      await assertRejects(
        () => launch({ program: "no-such-qemu", args: ["-S", option] }),
        TypeError,
        `Cannot launch no-such-qemu: args has ${option}, `,
      );
    }
  }));

Deno.test("an aborted launch() rejects with the reason, and ends the program", () =>
  leavingNothing(async () => {
    const signal = new WatchedSignal();
    await using silent = await script("exec sleep 1000");
    const client = new QMPClient();
    const states = client.runstates();
    const launching = launch({
      program: silent.program,
      client,
      signal: signal.signal,
    });
    launching.catch(() => {});
    assertEquals((await states.next()).value, "connecting");
    const reason = new Error("Enough");
    signal.abort(reason);
    assertStrictEquals(await assertRejects(() => launching), reason);
    assertEquals(signal.listeners, 0);
    await states.return?.();
    await assertRejects(() => launch({ signal: signal.signal }));
  }));

Deno.test({
  name: "a client that is not idle is refused",
  ...qemu,
  fn: () =>
    leavingNothing(async () => {
      await using launched = await launch({ args });
      const { client } = launched;
      await assertRejects(
        () => launch({ args, client }),
        StateError,
        "Cannot launch with a client that is running",
      );
      assertEquals(client.runstate, "running");
    }),
});

Deno.test({
  name: "1,000 programs start, and none hangs or fails to connect",
  ...needs("qemu-storage-daemon"),
  fn: () =>
    leavingNothing(async () => {
      const times: number[] = [];
      for (let start = 0; start < 1_000; start++) {
        const began = performance.now();
        await using launched = await launch({
          program: "qemu-storage-daemon",
          startTimeout: 10_000,
        });
        assertEquals(await launched.client.execute("query-jobs"), []);
        times.push(performance.now() - began);
        await launched[Symbol.asyncDispose]();
        assert((await launched.status).success);
      }
      times.sort((a, b) => a - b);
      const [median = 0, longest = 0] = [times[500], times[999]];
      console.log(
        `1,000 starts: median ${median.toFixed(1)} ms, longest ${
          longest.toFixed(1)
        } ms`,
      );
    }),
});
