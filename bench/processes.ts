// How much more two processes serve than one, at one port: `deno task
// bench:processes`. It needs two cores on which nothing else runs.
//
// The clients are in this process, and share the cores. So a call takes a server
// milliseconds, and the clients little: the figure says how well processes share
// the work, and not how fast a call is. The cores that each side had are printed:
// if the processes had less than a core each, something else was running.
import process from "node:process";
import { MovingClient } from "../examples/many_processes/client.ts";
import { Pool } from "../examples/many_processes/pool.ts";
import { reconnecting, tcp } from "../mod.ts";
import { readOptions } from "./options.ts";
import { formatRate, ratio, spread } from "./report.ts";

/** So many that each process has some of them. */
const CLIENTS = 32;
const CALL = { below: 60_000 };
const GOAL = 1.7;

const { rounds, milliseconds } = readOptions({
  help: "deno task bench:processes [--rounds=N] [--milliseconds=N]",
  times: { rounds: 9, milliseconds: 2000 },
});

/** What a pool of processes has done. */
interface Figures {
  /** The calls a second. */
  readonly rate: number;
  /** How many cores the processes had. */
  readonly servers: number;
  /** How many cores the clients had. */
  readonly clients: number;
}

/** The seconds that processes have run for, user and system. */
async function runtime(pids: readonly number[]): Promise<number> {
  let ticks = 0;
  for (const pid of pids) {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    // The fields behind the name, which is in brackets: see proc(5).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}

async function measure(processes: number): Promise<Figures> {
  await using pool = await Pool.start(processes);
  await using connections = new AsyncDisposableStack();
  const transport = tcp({ port: pool.port });
  const clients = Array.from({ length: CLIENTS }, () => {
    const client = new MovingClient();
    connections.use(reconnecting(client, transport));
    return client;
  });
  // Each process has compiled its code afterwards.
  const first = clients.map((client) => client.countPrimes(CALL));
  const pids = new Set((await Promise.all(first)).map(({ pid }) => pid));
  if (pids.size < processes) {
    throw new Error(`Only ${pids.size} of ${processes} processes have clients`);
  }
  let calls = 0;
  const start = performance.now();
  const end = start + milliseconds;
  const before = process.cpuUsage();
  const beforeServers = await runtime(pool.pids);
  await Promise.all(clients.map(async (client) => {
    for (;;) {
      await client.countPrimes(CALL);
      if (performance.now() > end) return;
      calls++;
    }
  }));
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - start) / 1000;
  return {
    rate: 1000 * calls / milliseconds,
    servers: (await runtime(pool.pids) - beforeServers) / seconds,
    clients: (user + system) / 1e6 / seconds,
  };
}

const sides: Record<number, Figures[]> = { 1: [], 2: [] };
const order = [1, 2];
for (let round = 0; round < rounds; round++) {
  for (const processes of order) {
    sides[processes]?.push(await measure(processes));
  }
  order.reverse();
}
for (const [processes, figures] of Object.entries(sides)) {
  const median = (of: keyof Figures) =>
    spread(figures.map((figure) => figure[of])).median;
  console.log(
    `${processes} at one port: ${formatRate(median("rate"))} calls/s, with ` +
      `${median("servers").toFixed(2)} cores; ` +
      `the clients had ${median("clients").toFixed(2)}`,
  );
}
const rates = (processes: number) => sides[processes]?.map(({ rate }) => rate);
const { median, low, high } = ratio(rates(2), rates(1));
const [middle, ...range] = [median, low, high].map((one) => one.toFixed(2));
const verdict = median >= GOAL ? "" : `   short of ${GOAL}`;
console.log(`two by one × ${middle} (${range.join(" to ")})${verdict}`);
