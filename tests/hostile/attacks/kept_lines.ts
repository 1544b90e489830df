import { lines, Peer, serve } from "../../../protocol/mod.ts";
import { formatAddress, tcp } from "../../../transports/mod.ts";
import type { Attack } from "../attack.ts";
import { writeUntilHeld } from "../write_until_held.ts";

/** A line that the victim keeps, and other lines, 64 KiB in all. */
const CHUNK = "keep 0123456789a\n" + "drop 01\n".repeat(8_190);

class Keeper extends Peer<string> {
  static readonly kept: string[] = [];

  protected override onMessage(line: string): Promise<void> | void {
    if (line.startsWith("keep")) Keeper.kept.push(line);
    if (line === "?") return this.send(String(Keeper.kept.length));
  }
}

export const attack: Attack = {
  name: "lines(): the application keeps one line of 16 characters in 64 KiB",
  // The kept lines have 62 KiB.
  maxMemory: 96,
  maxBlock: 100,
  async start() {
    const listener = await tcp({ port: 0 }).listen();
    const server = serve(listener, () => new Keeper({ codec: lines }));
    return formatAddress(server.addr);
  },
  async run({ transport }, scale) {
    const connection = await transport.connect();
    const chunk = new TextEncoder().encode(CHUNK);
    const goal = 4_000 * scale * chunk.length;
    const sent = await writeUntilHeld(connection, chunk, goal);
    await connection.close();
    return `${(sent / 2 ** 20).toFixed(0)} MiB`;
  },
  async serves({ transport }) {
    await using client = new Peer({ codec: lines });
    await client.connect(transport);
    await client.send("?");
    await client[Symbol.asyncIterator]().next();
  },
};
