import { jsonValues, Peer, serve } from "../../../protocol/mod.ts";
import { formatAddress, tcp } from "../../../transports/mod.ts";
import type { Attack } from "../attack.ts";

const codec = () =>
  jsonValues({ bigint: true, maxMessageBytes: 10 * 1024 * 1024 });
const LONG = "12345678901234567890";
/** Texts of 9 MB with one integer that a number cannot hold. */
const TEXTS = [
  `[${"1,".repeat(4_500_000)}${LONG}]`,
  `[${'{"a":1},'.repeat(1_100_000)}${LONG}]`,
  `["${"x".repeat(9_000_000)}",${LONG}]`,
];

class Acknowledger extends Peer<unknown> {
  protected override onMessage(): Promise<void> {
    return this.send(true);
  }
}

export const attack: Attack = {
  name: "jsonValues({ bigint }): one integer of 20 digits in 9 MB",
  // The values that JSON.parse makes of such a text take 150 MiB.
  maxMemory: 768,
  maxBlock: 1_000,
  async start() {
    const listener = await tcp({ port: 0 }).listen();
    const server = serve(listener, () => new Acknowledger({ codec }));
    return formatAddress(server.addr);
  },
  async run({ transport }, scale) {
    const connection = await transport.connect();
    const writer = connection.writable.getWriter();
    const reader = connection.readable.getReader();
    let sent = 0;
    for (let i = 0; i < 10 * scale; i++) {
      for (const text of TEXTS) {
        const bytes = new TextEncoder().encode(`${text}\n`);
        await writer.write(bytes);
        await reader.read();
        sent += bytes.length;
      }
    }
    connection.abort();
    return `${(sent / 2 ** 20).toFixed(0)} MiB`;
  },
  async serves({ transport }) {
    await using client = new Peer({ codec });
    await client.connect(transport);
    await client.send("?");
    await client[Symbol.asyncIterator]().next();
  },
};
