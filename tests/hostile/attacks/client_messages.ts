import { QMPClient } from "../../../qmp/mod.ts";
import { greeting } from "../../support/qmp/qmp_script.ts";
import type { Attack } from "../attack.ts";
import { startClient } from "../attacked_client.ts";
import { writeUntilHeld } from "../write_until_held.ts";

/** Unsolicited messages: 1,000 of each. */
const NOISE = (
  '{"event":"A"}{"return":{}}{"return":{},"id":1}{"id":"x","error":{}}' +
  '{"event":"__proto__","data":[[[]]]}{}'
).repeat(1_000);

export const attack: Attack = {
  name: "QMPClient: unsolicited events and replies that are not read",
  maxMemory: 192,
  maxBlock: 500,
  start: (folder) =>
    startClient(folder, async (transport) => {
      const client = new QMPClient({ negotiate: false });
      await client.connect(transport);
      client.listen();
    }),
  async run({ transport }, scale) {
    await using listener = await transport.listen();
    const connection = await listener.accept();
    const encoder = new TextEncoder();
    const hello = encoder.encode(JSON.stringify(greeting()));
    await writeUntilHeld(connection, hello, hello.length);
    const chunk = encoder.encode(NOISE);
    const sent = await writeUntilHeld(connection, chunk, scale * 256 * 2 ** 20);
    connection.abort();
    return `${(sent / 2 ** 20).toFixed(0)} MiB`;
  },
};
