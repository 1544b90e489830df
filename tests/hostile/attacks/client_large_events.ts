import { QMPClient } from "../../../qmp/mod.ts";
import { greeting } from "../../support/qmp/qmp_script.ts";
import type { Attack } from "../attack.ts";
import { startClient } from "../attacked_client.ts";
import { writeUntilHeld } from "../write_until_held.ts";

/** Just below the limit of a message. */
const EVENT_BYTES = Math.floor(9.7 * 2 ** 20);

export const attack: Attack = {
  name: "QMPClient: events of 9.7 MiB, each is read at once",
  // One event is kept, and one arrives, beside what V8 has not collected yet.
  maxMemory: 512,
  maxBlock: 500,
  start: (folder) =>
    startClient(folder, async (transport) => {
      const client = new QMPClient({ negotiate: false });
      await client.connect(transport);
      const read = async () => {
        for await (const _ of client.events);
      };
      read();
    }),
  async run({ transport }, scale) {
    await using listener = await transport.listen();
    const connection = await listener.accept();
    const encoder = new TextEncoder();
    const hello = encoder.encode(JSON.stringify(greeting()));
    await writeUntilHeld(connection, hello, hello.length);
    const data = { text: "x".repeat(EVENT_BYTES) };
    const chunk = encoder.encode(JSON.stringify({ event: "LARGE", data }));
    const count = Math.ceil(scale * 400);
    const sent = await writeUntilHeld(connection, chunk, count * chunk.length);
    connection.abort();
    return `${(sent / 2 ** 20).toFixed(0)} MiB`;
  },
};
