import { QMPClient } from "../../../qmp/mod.ts";
import { greeting } from "../../support/qmp/qmp_script.ts";
import type { Attack } from "../attack.ts";
import { startClient } from "../attacked_client.ts";
import { writeUntilHeld } from "../write_until_held.ts";

/** Greetings that each make the client negotiate, by a server that never reads. */
export const attack: Attack = {
  name: "QMPClient: a server greets again and again and never reads",
  maxMemory: 32,
  maxBlock: 100,
  start: (folder) =>
    startClient(folder, (transport) => new QMPClient().connect(transport)),
  async run({ transport }, scale) {
    await using listener = await transport.listen();
    const connection = await listener.accept();
    const exchange = JSON.stringify(greeting()) + '{"return":{}}';
    const chunk = new TextEncoder().encode(exchange.repeat(500));
    const sent = await writeUntilHeld(connection, chunk, scale * 2 ** 29);
    connection.abort();
    return `${(sent / 2 ** 20).toFixed(1)} MiB`;
  },
};
