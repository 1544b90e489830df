import { lines, Peer, serve } from "../../../protocol/mod.ts";
import { formatAddress, tcp } from "../../../transports/mod.ts";
import type { Attack } from "../attack.ts";
import { writeUntilHeld } from "../write_until_held.ts";

const MIB = 2 ** 20;

class Echo extends Peer<string> {
  protected override onMessage(line: string): Promise<void> {
    return this.send(line);
  }
}

const codec = () => lines({ maxMessageBytes: 10 * MIB });

/** Large messages that never end, over many connections: they add up. */
export const attack: Attack = {
  name: "an echo: messages of up to 10 MiB that never end, from many clients",
  maxMemory: 256,
  maxBlock: 500,
  async start() {
    const listener = await tcp({ port: 0 }).listen();
    const server = serve(listener, () => new Echo({ codec }));
    return formatAddress(server.addr);
  },
  async run({ transport }, scale) {
    const chunk = new Uint8Array(64 * 1024).fill(65);
    const attackers = Math.max(4, Math.round(scale * 200));
    const sent = await Promise.all(
      Array.from({ length: attackers }, async () => {
        const connection = await transport.connect();
        const sent = await writeUntilHeld(connection, chunk, 9 * MIB);
        return { connection, sent };
      }),
    );
    for (const { connection } of sent) connection.abort();
    const total = sent.reduce((sum, { sent }) => sum + sent, 0);
    return `${attackers} clients, ${(total / MIB).toFixed(0)} MiB`;
  },
  async serves({ transport }) {
    await using client = new Peer({ codec });
    await client.connect(transport);
    await client.send("still here");
    await client.receive();
  },
};
