import { concat } from "@std/bytes";
import { toText } from "@std/streams";
import { formatAddress, tcp } from "../../../transports/mod.ts";
import {
  binaryHeader,
  SIGNATURE,
  textHeader,
} from "../../support/transports/proxy_header.ts";
import type { Attack, VictimAddress } from "../attack.ts";

/** The number of concurrent connections. */
const AT_ONCE = 100;

const text = (line: string) => new TextEncoder().encode(line);
const zeros = new Uint8Array(4096);

const headers: Uint8Array[] = [
  // Headers that never end.
  new Uint8Array(0),
  text("PROXY TCP4 "),
  SIGNATURE,
  binaryHeader({ family: 0x11, body: [0], length: 4080 }),
  // Headers that are too long.
  text(`PROXY UNKNOWN ${"f".repeat(4096)}`),
  binaryHeader({ family: 0x11, body: zeros, length: 0xffff }),
  binaryHeader({ command: 0x20, family: 0, body: zeros, length: 0xffff }),
  // Headers that lie.
  textHeader("PROXY TCP4 256.0.0.1 1.2.3.4 1 2"),
  textHeader("PROXY TCP6 1.2.3.4 ::1 99999 2"),
  binaryHeader({ family: 0x21, body: [1, 2, 3, 4] }),
  binaryHeader({ command: 0x33, family: 0x77, body: zeros }),
  // Something else.
  text("GET / HTTP/1.1\r\n\r\n"),
  concat([text("PROXY UNKNOWN"), zeros]),
];

/** PROXY headers that lie, never end, or are too long. */
export const attack: Attack = {
  name: "PROXY headers that lie, never end, or are too long",
  maxMemory: 128,
  maxBlock: 500,
  async start() {
    const transport = tcp({ port: 0, proxyProtocol: true });
    const listener = await transport.listen();
    (async () => {
      for await (const connection of listener) {
        connection.readable.pipeTo(connection.writable).catch(() => {});
      }
    })();
    return formatAddress(listener.address);
  },
  async run(place, scale) {
    let left = Math.ceil(scale * 50_000);
    const sent = left;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (left > 0) {
          await send(place, headers[left-- % headers.length] ?? zeros);
        }
      }),
    );
    return `${sent} headers`;
  },
  async serves({ transport }) {
    await using connection = await transport.connect();
    const header = textHeader("PROXY TCP4 192.0.2.1 192.0.2.2 1 2");
    await connection.write(concat([header, text("still here")]));
    await connection.closeWrite();
    const answer = await toText(connection.readable);
    if (answer !== "still here") throw new Error(`The answer is ${answer}`);
  },
};

/** Sends a header, and stays until it is refused, or for a while. */
async function send(
  { transport }: VictimAddress,
  header: Uint8Array,
): Promise<void> {
  const connection = await transport.connect();
  const leave = setTimeout(() => connection.abort(), 100);
  try {
    await connection.write(header);
    await connection.read(new Uint8Array(1));
  } catch {
    // It was refused, or has left.
  } finally {
    clearTimeout(leave);
    connection.abort();
  }
}
