import { GuestAgentClient } from "../../../qmp/mod.ts";
import type { Attack } from "../attack.ts";
import { startClient } from "../attacked_client.ts";
import { writeUntilHeld } from "../write_until_held.ts";

export const attack: Attack = {
  name: "GuestAgentClient: an agent sends noise in place of every answer",
  maxMemory: 256,
  maxBlock: 500,
  start: (folder) =>
    startClient(folder, async (transport) => {
      const client = new GuestAgentClient({ handshakeTimeout: 60_000 });
      await client.connect(transport);
    }),
  async run({ transport }, scale) {
    await using listener = await transport.listen();
    const connection = await listener.accept();
    // Sentinels, beginnings of objects, and numbers of other clients.
    const noise = 'ÿ{"return": 1}\nÿÿ{"return": {"a": "' + "x".repeat(1_000);
    const chunk = Uint8Array.from(noise.repeat(100), (c) => c.charCodeAt(0));
    const sent = await writeUntilHeld(connection, chunk, scale * 2 ** 28);
    connection.abort();
    return `${(sent / 2 ** 20).toFixed(0)} MiB`;
  },
};
