import {
  formatAddress,
  parseAddress,
  tcp,
  tls,
  type TlsOptions,
} from "../../../transports/mod.ts";
import {
  certificates,
  newAuthority,
} from "../../support/transports/certificates.ts";
import type { Attack, VictimAddress } from "../attack.ts";

/** The certificates of a good client. */
type Known = Partial<TlsOptions>;

/** The number of concurrent handshakes. */
const AT_ONCE = 20;

const stranger = await newAuthority("stranger");

const ways: ((place: VictimAddress, known: Known) => Promise<void>)[] = [
  // Another authority's certificate.
  (place, known) => refused(place, { ...known, ...stranger.client }),
  // No certificate.
  (place, { caCerts }) => refused(place, { caCerts, alpnProtocols: ["echo"] }),
  // No common protocol.
  (place, known) => refused(place, { ...known, alpnProtocols: ["other"] }),
  // A client that does not trust the server.
  (place, known) => refused(place, { ...known, caCerts: [stranger.ca] }),
  // Plain text.
  (place) => write(place, new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")),
  // Nothing.
  (place) => write(place, new Uint8Array(0)),
];

/** Handshakes that fail, in every way. */
export const attack: Attack = {
  name: "handshakes that are refused or aborted",
  maxMemory: 192,
  maxBlock: 500,
  async start(folder) {
    const { ca, server, client } = await certificates();
    const known: Known = { caCerts: [ca], alpnProtocols: ["echo"], ...client };
    await Deno.writeTextFile(`${folder}/known.json`, JSON.stringify(known));
    const listener = await tls({
      ...{ port: 0, ...server, clientCaCerts: [ca] },
      alpnProtocols: ["echo"],
    }).listen();
    (async () => {
      for await (const connection of listener) {
        connection.readable.pipeTo(connection.writable).catch(() => {});
      }
    })();
    return formatAddress(listener.address);
  },
  async run(place, scale) {
    const known = await knownIn(place);
    let left = Math.ceil(scale * 10_000);
    const sent = left;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (left > 0) await ways[left-- % ways.length]?.(place, known);
      }),
    );
    return `${sent} handshakes`;
  },
  async serves(place) {
    const known = await knownIn(place);
    await using connection = await tls({ ...portOf(place), ...known })
      .connect();
    const writer = connection.writable.getWriter();
    await writer.write(new Uint8Array(1));
    await connection.readable.getReader().read();
  },
};

async function knownIn({ folder }: VictimAddress): Promise<Known> {
  return JSON.parse(await Deno.readTextFile(`${folder}/known.json`));
}

function portOf({ address }: VictimAddress): { port: number } {
  const parsed = parseAddress(address);
  if (!("port" in parsed)) throw new Error(`${address} has no port`);
  return { port: parsed.port };
}

async function refused(place: VictimAddress, options: Known): Promise<void> {
  try {
    await using connection = await tls({ ...portOf(place), ...options })
      .connect();
    await connection.readable.getReader().read();
  } catch {
    return;
  }
  throw new Error("A handshake that must be refused was not");
}

/** Writes bytes that are not a handshake, and leaves. */
async function write(place: VictimAddress, bytes: Uint8Array): Promise<void> {
  const connection = await tcp(portOf(place)).connect();
  await connection.writable.getWriter().write(bytes);
  connection.abort();
}
