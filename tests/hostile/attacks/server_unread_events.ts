import { QMPClient } from "../../../qmp/mod.ts";
import type { Attack } from "../attack.ts";
import {
  exchange,
  mib,
  negotiated,
  startQMPServer,
} from "../attacked_qmp_server.ts";

const SIZE = 64 * 1024;

/** Events that another client causes, for many clients that never read. */
export const attack: Attack = {
  name: "QMPServer: events to clients that never read",
  maxMemory: 256,
  maxBlock: 300,
  start: () =>
    startQMPServer({
      commands: {
        tell: async ({ size }, { server }) => {
          await server.emit("TOLD", { text: "x".repeat(Number(size)) });
        },
      },
    }),
  async run({ transport }, scale) {
    const silent = [];
    for (let n = 0; n < 100 * scale; n++) {
      silent.push(await negotiated(transport));
    }
    await using client = new QMPClient();
    await client.connect(transport);
    const count = Math.ceil(1000 * scale);
    for (let n = 0; n < count; n++) {
      await client.execute("tell", { size: SIZE });
    }
    for (const connection of silent) connection.abort();
    return `${mib(count * SIZE)} to ${silent.length}`;
  },
  serves: (victim) => exchange(victim, "tell", { size: 10 }),
};
