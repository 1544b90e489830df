import type { Attack } from "../attack.ts";
import {
  exchange,
  mib,
  negotiated,
  startQMPServer,
} from "../attacked_qmp_server.ts";
import { writeUntilHeld } from "../write_until_held.ts";

/** Input that is not a command, in one piece or in many. */
const inputs = [
  "x\n".repeat(2 ** 19),
  `{"a":"${"\xff".repeat(2 ** 20)}"}`,
  "\x01".repeat(2 ** 20),
  "}".repeat(2 ** 20),
  "{}".repeat(2 ** 19),
  "[".repeat(2 ** 20),
  `{"a":"${"\\".repeat(2 ** 20)}`,
];

/** Input that is not a command, by clients that come again and again. */
export const attack: Attack = {
  name: "QMPServer: 1 MiB that is not a command, again and again",
  maxMemory: 96,
  maxBlock: 300,
  start: () => startQMPServer(),
  async run({ transport }, scale) {
    let sent = 0;
    for (let round = 0; round < 40 * scale; round++) {
      for (const input of inputs) {
        const chunk = Uint8Array.from(input, (char) => char.charCodeAt(0));
        for (const connect of [() => transport.connect(), negotiated]) {
          const connection = await connect(transport);
          sent += await writeUntilHeld(connection, chunk, chunk.length);
          connection.abort();
        }
      }
    }
    return mib(sent);
  },
  serves: exchange,
};
