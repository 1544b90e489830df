import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { deadline } from "@std/async";
import { TextLineStream, toText } from "@std/streams";
import { MovingClient } from "../../examples/many_processes/client.ts";
import { Pool } from "../../examples/many_processes/pool.ts";
import { reconnecting, tcp } from "../../mod.ts";
import { runDeno } from "../support/program.ts";

const MAIN = "examples/many_processes/main.ts";
const ARGS = ["run", "--no-prompt", "--allow-net", "--allow-run", MAIN, "2"];

/** The number of primes below 2,000. */
const PRIMES = 303;

/** Whether a process of Linux is there. */
async function exists(pid: number): Promise<boolean> {
  return await Deno.stat(`/proc/${pid}`).then(() => true, () => false);
}

const linux = { ignore: Deno.build.os !== "linux" };

Deno.test({
  name:
    "many processes: no call is lost while both processes are replaced, neither of clients that stay nor of new ones",
  ...linux,
  async fn() {
    const pids = new Set<number>();
    const calls = { ofStaying: 0, ofNew: 0 };
    let replaced = false;
    const old: number[] = [];
    {
      await using pool = await Pool.start(2);
      old.push(...pool.pids);
      const transport = tcp({ port: pool.port });
      const connected = (client: MovingClient) =>
        reconnecting(client, transport, { initialDelay: 2, maxDelay: 100 });
      const ask = async (client: MovingClient) => {
        const { count, pid } = await client.countPrimes({ below: 2_000 });
        assertEquals(count, PRIMES);
        pids.add(pid);
      };
      const stay = async () => {
        const client = new MovingClient();
        await using _connection = connected(client);
        for (; !replaced; calls.ofStaying++) await ask(client);
      };
      const comeAndGo = async () => {
        for (; !replaced; calls.ofNew++) {
          const client = new MovingClient();
          await using _connection = connected(client);
          await ask(client);
        }
      };
      const replace = async () => {
        await pool.restart();
        replaced = true;
      };
      await Promise.all([
        replace(),
        ...Array.from({ length: 8 }, stay),
        ...Array.from({ length: 24 }, comeAndGo),
      ]);
      assertEquals(new Set([...old, ...pool.pids]).size, 4);
      for (const pid of pids) assert([...old, ...pool.pids].includes(pid));
      assert(pool.pids.some((pid) => pids.has(pid)));
      for (const pid of old) assertEquals(await exists(pid), false);
      old.push(...pool.pids);
    }
    for (const pid of old) assertEquals(await exists(pid), false);
    console.log(`${calls.ofStaying} and ${calls.ofNew} calls`);
  },
});

Deno.test({
  name:
    "many processes: main.ts replaces its processes, and says which answered",
  ...linux,
  async fn() {
    const { code, stdout, stderr } = await runDeno(ARGS);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(
      stdout,
      /^Processes \d+, \d+ serve port \d+\nProcesses \d+, \d+ have taken their places\n(Process \d+ has answered \d+ calls\n){2,4}No call was lost\n$/,
    );
  },
});

Deno.test({
  name: "many processes: the processes end when their parent is killed",
  ...linux,
  async fn() {
    const child = new Deno.Command(Deno.execPath(), {
      args: ARGS,
      cwd: new URL("../../", import.meta.url),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream()).values();
    const { value } = await lines.next();
    child.kill("SIGKILL");
    await lines.return?.();
    assertMatch(String(value), /^Processes \d+, \d+ serve port/);
    // The processes keep its standard error open as long as they run.
    assertEquals(await deadline(toText(child.stderr), 30_000), "");
    await child.status;
  },
});

Deno.test({
  name:
    "many processes: the end of a pool whose process was killed says so, when all have ended",
  ...linux,
  async fn() {
    const pool = await Pool.start(2);
    const { pids } = pool;
    Deno.kill(pids[0] ?? 0, "SIGKILL");
    const end = pool[Symbol.asyncDispose]();
    await assertRejects(() => end, Error, "A worker has exited with code 137");
    for (const pid of pids) assertEquals(await exists(pid), false);
  },
});

Deno.test({
  name: "many processes: a port that is in use is an error of start()",
  ...linux,
  async fn() {
    await using taken = await tcp({ port: 0 }).listen();
    await assertRejects(
      () => Pool.start(2, taken.address.port),
      Error,
      "A worker has exited with code 1",
    );
  },
});
