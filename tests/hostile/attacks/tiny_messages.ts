import { jsonLines, Peer, serve } from "../../../protocol/mod.ts";
import { formatAddress, tcp } from "../../../transports/mod.ts";
import type { Attack } from "../attack.ts";
import { writeUntilHeld } from "../write_until_held.ts";

const CHUNK_MESSAGES = 10_000;

class Echo extends Peer<unknown> {
  protected override onMessage(message: unknown): Promise<void> {
    return this.send(message);
  }
}

/** Messages of one digit, whose answers are not read. */
export const attack: Attack = {
  name: "tiny messages to an echo, no answer is read",
  maxMemory: 64,
  maxBlock: 100,
  async start() {
    const listener = await tcp({ port: 0 }).listen();
    const server = serve(listener, () => new Echo({ codec: jsonLines }));
    return formatAddress(server.addr);
  },
  async run({ transport }, scale) {
    const connection = await transport.connect();
    const chunk = new TextEncoder().encode("1\n".repeat(CHUNK_MESSAGES));
    const goal = scale * 64 * 2 ** 20;
    const sent = await writeUntilHeld(connection, chunk, goal);
    connection.abort();
    return `${(sent / 2 ** 20).toFixed(1)} MiB`;
  },
  async serves({ transport }) {
    await using client = new Peer({ codec: jsonLines });
    await client.connect(transport);
    await client.send("still here");
    await client[Symbol.asyncIterator]().next();
  },
};
