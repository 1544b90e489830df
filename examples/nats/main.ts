/**
 * Serves a sum of numbers, and asks for one. Start a server first: `nats-server`.
 *
 * deno run --allow-net examples/nats/main.ts tcp://127.0.0.1:4222
 */
import { parseTransport, reconnecting } from "@parley/parley";
import { NatsClient } from "./client.ts";
import { commandLine } from "../support/command_line.ts";

const [address = "tcp://127.0.0.1:4222"] = commandLine("[ADDRESS]");
const transport = parseTransport(address);
const decoder = new TextDecoder();

await using client = new NatsClient();
await using connection = reconnecting(client, transport, { maxAttempts: 5 });
await connection.connected({ signal: AbortSignal.timeout(10_000) });
console.log(`Connected to ${transport}`);

using additions = client.subscribe("add");
const serving = (async () => {
  for await (const { payload, reply } of additions) {
    const numbers = JSON.parse(decoder.decode(payload)) as number[];
    const sum = numbers.reduce((a, b) => a + b, 0);
    if (reply) await client.publish(reply, String(sum));
    break;
  }
})();
const answer = await client.request("add", "[1, 2, 39]");
console.log(`1 + 2 + 39 = ${decoder.decode(answer.payload)}`);
await serving;
