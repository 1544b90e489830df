import type { Attack } from "../attack.ts";
import {
  exchange,
  mib,
  negotiated,
  startQMPServer,
} from "../attacked_qmp_server.ts";
import { writeUntilHeld } from "../write_until_held.ts";

/** Commands out of band, quick and slow ones, by clients that never read. */
export const attack: Attack = {
  name: "QMPServer: commands out of band, no answer is read",
  maxMemory: 160,
  maxBlock: 300,
  start: () =>
    startQMPServer({
      commands: {
        ping: { oob: true, run: () => {} },
        slow: { oob: true, run: () => new Promise(() => {}) },
      },
    }),
  async run({ transport }, scale) {
    let sent = 0;
    for (const command of ["ping", "slow", "ping", "slow"]) {
      const unit = `{"exec-oob":"${command}"}`;
      const chunk = new TextEncoder().encode(unit.repeat(4000));
      const connection = await negotiated(transport, "oob");
      sent += await writeUntilHeld(connection, chunk, scale * 2 ** 25);
      connection.abort();
    }
    return mib(sent);
  },
  serves: exchange,
};
