// An echo server over TCP. It prints its port, and for each line of its standard
// input, its memory and the number of its sessions.
import { jsonLines, Peer, serve } from "../../protocol/mod.ts";
import { tcp } from "../../transports/mod.ts";

class Echo extends Peer<unknown> {
  protected override onMessage(message: unknown): Promise<void> {
    return this.send(message);
  }
}

const listener = await tcp({ port: 0 }).listen();
const server = serve(listener, () => new Echo({ codec: jsonLines }));
if (!("port" in server.addr)) throw new Error("Not TCP");
console.log(JSON.stringify({ port: server.addr.port }));
for await (const _ of Deno.stdin.readable) {
  const { rss } = Deno.memoryUsage();
  console.log(JSON.stringify({ rss, sessions: server.sessions.size }));
}
Deno.exit();
