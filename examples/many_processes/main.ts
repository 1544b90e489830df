/**
 * Serves a port with several processes, and replaces them while clients call.
 *
 * deno run --allow-net --allow-run examples/many_processes/main.ts 2
 */
import { reconnecting, tcp } from "@parley/parley";
import { MovingClient } from "./client.ts";
import { Pool } from "./pool.ts";
import { commandLine } from "../support/command_line.ts";

const CLIENTS = 8;

const [count = "2"] = commandLine("[COUNT]");
await using pool = await Pool.start(Number(count));
console.log(`Processes ${pool.pids.join(", ")} serve port ${pool.port}`);
const answers = new Map<number, number>();
let replaced = false;

/** Calls until all processes are replaced. */
async function call(): Promise<void> {
  const client = new MovingClient();
  const policy = { initialDelay: 5, maxDelay: 1000 };
  const transport = tcp({ port: pool.port });
  await using _connection = reconnecting(client, transport, policy);
  while (!replaced) {
    const { pid } = await client.countPrimes({ below: 5_000 });
    answers.set(pid, (answers.get(pid) ?? 0) + 1);
  }
}

/** Replaces all processes. A service does this when it is told to: by SIGHUP, say. */
async function replace(): Promise<void> {
  await pool.restart();
  console.log(`Processes ${pool.pids.join(", ")} have taken their places`);
  replaced = true;
}

await Promise.all([replace(), ...Array.from({ length: CLIENTS }, call)]);
for (const [pid, count] of answers) {
  console.log(`Process ${pid} has answered ${count} calls`);
}
console.log("No call was lost");
