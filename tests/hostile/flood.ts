// Hears as many tiny messages as it is told to, and prints how many they were
// and by how many MiB the process has grown at the most.
import { jsonLines, Peer } from "../../protocol/mod.ts";
import { memoryPair } from "../../transports/mod.ts";

const CHUNK_MESSAGES = 10_000;
const count = Number(Deno.args[0]);
let messages = 0;

class Counter extends Peer<number> {
  protected override onMessage(): void {
    messages++;
  }
}

const [near, far] = memoryPair();
const counter = new Counter({ codec: jsonLines<number> });
await counter.connect(near);
const chunk = new TextEncoder().encode("1\n".repeat(CHUNK_MESSAGES));
const writer = far.writable.getWriter();
const before = Deno.memoryUsage().rss;
let most = before;
for (let sent = 0; sent < count; sent += CHUNK_MESSAGES) {
  await writer.write(chunk);
  most = Math.max(most, Deno.memoryUsage().rss);
}
await far.close();
await counter.closed.catch(() => {});
console.log(
  JSON.stringify({ messages, mib: Math.ceil((most - before) / 2 ** 20) }),
);
