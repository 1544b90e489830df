/**
 * Measures how fast the agent in a guest answers.
 *
 * deno run --allow-net --allow-read --allow-write examples/guest_ping.ts unix:/run/vm/agent.sock
 */
import { GuestAgentClient, parseTransport } from "@parley/parley";
import { commandLine } from "./support/command_line.ts";

const [address = "unix:/run/vm/agent.sock"] = commandLine("[ADDRESS]");
await using agent = new GuestAgentClient({ timeout: 2_000 });
await agent.connect(parseTransport(address));
const start = performance.now();
await agent.execute("guest-ping");
const time = Math.ceil(performance.now() - start);
console.log(`The guest's agent has answered within ${time} ms`);
