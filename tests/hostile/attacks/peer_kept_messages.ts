import { jsonLines, Peer, serve } from "../../../protocol/mod.ts";
import { formatAddress, tcp } from "../../../transports/mod.ts";
import type { Attack } from "../attack.ts";
import { writeUntilHeld } from "../write_until_held.ts";

const MIB = 2 ** 20;

const codec = () => jsonLines({ maxMessageBytes: 2 * MIB });

/** JSON that takes much more memory than bytes, for a slow application. */
export const attack: Attack = {
  name: "a Peer whose application is slow: messages of 256 KiB of brackets",
  maxMemory: 512,
  maxBlock: 1_500,
  async start() {
    const listener = await tcp({ port: 0 }).listen();
    // The application answers one message, and takes no other.
    const server = serve(listener, () => {
      const session = new Peer({ codec });
      const answer = async () => session.send(await session.receive());
      answer().catch(() => {});
      return session;
    });
    return formatAddress(server.addr);
  },
  async run({ transport }, scale) {
    const text = `[${"[],".repeat(MIB / 12)}[]]\n`;
    const chunk = new TextEncoder().encode(text);
    const connection = await transport.connect();
    const sent = await writeUntilHeld(connection, chunk, scale * 1_000 * MIB);
    connection.abort();
    return `${(sent / MIB).toFixed(0)} MiB`;
  },
  async serves({ transport }) {
    await using client = new Peer({ codec });
    await client.connect(transport);
    await client.send("still here");
    await client.receive();
  },
};
