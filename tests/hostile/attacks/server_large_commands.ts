import type { Attack } from "../attack.ts";
import {
  exchange,
  mib,
  negotiated,
  startQMPServer,
} from "../attacked_qmp_server.ts";
import { writeUntilHeld } from "../write_until_held.ts";

/** The limit of a message, without the bytes around the arrays. */
const SIZE = 10 * 2 ** 20 - 100;

/**
 * Commands of the largest size whose values take the most memory, queued by
 * several clients behind a command that never ends.
 */
export const attack: Attack = {
  name: "QMPServer: commands of 10 MiB behind one that never ends",
  maxMemory: 1536,
  // As long as JSON.parse() takes for such a text.
  maxBlock: 3000,
  start: () =>
    startQMPServer({ commands: { slow: () => new Promise(() => {}) } }),
  async run({ transport }, scale) {
    const clients = scale < 1 ? 2 : 8;
    const arrays = "[],".repeat(Math.floor(SIZE / 3));
    const command = `{"execute":"slow","arguments":{"a":[${arrays}1]}}`;
    const chunk = new TextEncoder().encode(command);
    const connections = [];
    let sent = 0;
    for (let n = 0; n < clients; n++) {
      const connection = await negotiated(transport);
      connections.push(connection);
      sent += await writeUntilHeld(connection, chunk, 7 * chunk.length);
    }
    for (const connection of connections) connection.abort();
    return `${mib(sent)} by ${clients}`;
  },
  serves: exchange,
};
