import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { Neovim, type NeovimOptions } from "../../examples/neovim/neovim.ts";
import { JSONRPCError } from "../../jsonrpc/mod.ts";
import { CallInterruptedError, unix } from "../../mod.ts";
import { faulty } from "../../testing/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { runDeno } from "../support/program.ts";
import { needs } from "../support/servers/real_process.ts";
import {
  type RealServer,
  startServer,
} from "../support/servers/real_server.ts";

function startNeovim(): Promise<RealServer> {
  return startServer({
    program: "nvim",
    args: (folder) => [
      ...["--headless", "--clean", "--listen", `${folder}/nvim`],
      ...["--cmd", "lua io.stderr:write('listening\\n')"],
    ],
    ready: /listening/,
  }, async (process) => {
    await process.ready();
    return unix({ path: `${process.folder}/nvim` });
  });
}

async function connect(
  server: RealServer,
  options?: NeovimOptions,
): Promise<Neovim> {
  const nvim = new Neovim(options);
  await nvim.connect(server.transport);
  return nvim;
}

const neovim = needs("nvim");

Deno.test({
  name: "Neovim: calls both ways, text, errors",
  ...neovim,
  fn: async () => {
    await using server = await startNeovim();
    await using nvim = await connect(server, {
      functions: { double: ([n]) => 2 * Number(n) },
    });
    assertEquals(await nvim.evaluate("6 * 7"), 42);
    await nvim.setLines(["grüße\tan alle", ""]);
    assertEquals(await nvim.lines(), ["grüße\tan alle", ""]);
    const call = `rpcrequest(${nvim.channel}, 'double', 21)`;
    assertEquals(await nvim.evaluate(call), 42);
    assertEquals(await nvim.lua("return ... + 1", 41), 42);
    const error = await rejection(nvim.evaluate("nosuch"));
    assertInstanceOf(error, JSONRPCError);
    assertMatch(error.message, /Undefined variable: nosuch/);
  },
});

Deno.test({
  name: "Neovim: changes of the buffer arrive in order",
  ...neovim,
  fn: async () => {
    await using server = await startNeovim();
    await using nvim = await connect(server);
    using changes = await nvim.changes();
    await nvim.setLines(["one", "two"]);
    await nvim.command("normal! Gothree");
    const next = async () => (await changes.next()).params.slice(2, 5);
    assertEquals(await next(), [0, 1, ["one", "two"]]);
    let [first, , lines] = await next();
    while (!`${lines}`.includes("three")) [first, , lines] = await next();
    assertEquals(first, 2);
  },
});

Deno.test({
  name: "Neovim: changes that are left before the first one are not queued",
  ...neovim,
  fn: async () => {
    await using server = await startNeovim();
    await using nvim = await connect(server);
    using read = await nvim.changes();
    const left = await nvim.changes();
    left.close();
    await nvim.setLines(["one"]);
    await read.next();
    assertEquals(left.history, []);
  },
});

Deno.test({
  name: "Neovim: the changes of two buffers are told apart",
  ...neovim,
  fn: async () => {
    await using server = await startNeovim();
    await using nvim = await connect(server);
    const changes = [];
    for (const name of ["a", "b"]) {
      await nvim.command(`noswapfile hide edit ${name}`);
      changes.push(await nvim.changes());
    }
    for (const name of ["a", "b"]) {
      await nvim.command(`hide buffer ${name}`);
      await nvim.setLines([`of ${name}`]);
    }
    for (const name of ["a", "b"]) {
      using queue = changes.shift();
      const change = await queue?.next();
      assertEquals(change?.params[4], [`of ${name}`]);
    }
  },
});

Deno.test({
  name: "Neovim: a session with split and delayed bytes",
  ...neovim,
  fn: async () => {
    await using server = await startNeovim();
    await using nvim = new Neovim();
    await nvim.connect(faulty(server.transport, {
      ...{ seed: 7, faults: ["split", "delay"], every: 50 },
    }));
    const lines = Array.from({ length: 500 }, (_, i) => `line ${i}`);
    await nvim.setLines(lines);
    assertEquals(await nvim.lines(), lines);
  },
});

Deno.test({
  name:
    "Neovim: if it is killed during a call, the error says that the call was sent",
  ...neovim,
  fn: async () => {
    await using server = await startNeovim();
    const nvim = await connect(server);
    server.process.kill("SIGSTOP");
    const sleeping = rejection(nvim.command("echo 1"));
    server.process.kill("SIGKILL");
    const error = await sleeping;
    assertInstanceOf(error, CallInterruptedError);
    assertEquals([error.method, error.sent], ["nvim_command", true]);
    await nvim[Symbol.asyncDispose]().catch(() => {});
  },
});

Deno.test({
  name: "Neovim: to connect may be given up, and tried again",
  ...neovim,
  fn: async () => {
    await using server = await startNeovim();
    server.process.kill("SIGSTOP");
    await using nvim = new Neovim();
    const connected = AbortSignal.timeout(100);
    const options = { signal: connected };
    const error = await rejection(nvim.connect(server.transport, options));
    assertEquals(error, connected.reason);
    server.process.kill("SIGCONT");
    await nvim.connect(server.transport);
    assertEquals(await nvim.evaluate("6 * 7"), 42);
  },
});

Deno.test({
  name: "Neovim: the demo numbers the lines of the buffer",
  ...neovim,
  fn: async () => {
    await using server = await startNeovim();
    await using nvim = await connect(server);
    await nvim.setLines(["a", "b"]);
    const { code, stderr } = await runDeno([
      ...["run", "--allow-net", "--allow-read", "--allow-write"],
      ...["examples/neovim/main.ts", `${server.process.folder}/nvim`],
    ]);
    assertEquals(code, 0, stderr);
    assertEquals(await nvim.lines(), ["1. a", "2. b"]);
  },
});
