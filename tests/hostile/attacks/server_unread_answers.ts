import type { Attack } from "../attack.ts";
import { exchange, mib, startQMPServer } from "../attacked_qmp_server.ts";
import { writeUntilHeld } from "../write_until_held.ts";

/** Commands before negotiation, by clients that never read the refusals. */
export const attack: Attack = {
  name: "QMPServer: commands before negotiation, no answer is read",
  maxMemory: 160,
  maxBlock: 300,
  start: () => startQMPServer(),
  async run({ transport }, scale) {
    const chunk = new TextEncoder().encode('{"execute":"a"}'.repeat(4000));
    let sent = 0;
    for (let client = 0; client < 8; client++) {
      const connection = await transport.connect();
      sent += await writeUntilHeld(connection, chunk, scale * 2 ** 24);
      connection.abort();
    }
    return mib(sent);
  },
  serves: exchange,
};
