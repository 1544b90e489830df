import { formatAddress, parseAddress, tls } from "../../../transports/mod.ts";
import { certificates } from "../../support/transports/certificates.ts";
import type { Attack, VictimAddress } from "../attack.ts";

const CONNECTIONS = 100;
/** The effect of fewer would be invisible in the memory of a process. */
const FEWEST = 20;
/** The system's buffers hold all of them. */
const RECORDS = 20_000;

/** Records of one byte, of which a server reads none after the first. */
export const attack: Attack = {
  name: "TLS records of one byte that are not read",
  maxMemory: 32,
  maxBlock: 500,
  async start(folder) {
    const { ca, server } = await certificates();
    await Deno.writeTextFile(`${folder}/ca.pem`, ca);
    const listener = await tls({ port: 0, ...server }).listen();
    (async () => {
      for await (const { readable, writable } of listener) {
        const { value } = await readable.getReader().read();
        await writable.getWriter().write(value);
      }
    })();
    return formatAddress(listener.address);
  },
  async run(place, scale) {
    const count = Math.max(FEWEST, scale * CONNECTIONS);
    const open: Deno.TlsConn[] = [];
    for (let i = 0; i < count; i++) open.push(await connect(place));
    // In turns, so that each record arrives alone.
    const byte = new Uint8Array(1);
    for (let i = 0; i < RECORDS; i++) {
      await Promise.all(open.map((conn) => conn.write(byte)));
    }
    for (const conn of open) conn.close();
    return `${count} connections, ${RECORDS} records each`;
  },
  async serves(place) {
    const conn = await connect(place);
    await conn.write(new Uint8Array(1));
    await conn.read(new Uint8Array(1));
    conn.close();
  },
};

async function connect(place: VictimAddress): Promise<Deno.TlsConn> {
  const parsed = parseAddress(place.address);
  if (!("port" in parsed)) throw new Error(`${place.address} has no port`);
  return await Deno.connectTls({
    ...{ hostname: "localhost", port: parsed.port },
    caCerts: [await Deno.readTextFile(`${place.folder}/ca.pem`)],
  });
}
