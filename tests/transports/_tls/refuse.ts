// Refuses a number of handshakes, in every way, and prints the growth of the heap
// and of the number of descriptors.
import {
  type Listener,
  tcp,
  tls,
  type TlsOptions,
} from "../../../transports/mod.ts";
import {
  certificates,
  newAuthority,
} from "../../support/transports/certificates.ts";
import { usedMemory } from "../../support/used_memory.ts";

const { ca, server, client } = await certificates();
const stranger = await newAuthority("stranger");
const known = { caCerts: [ca], alpnProtocols: ["echo"], ...client };
const text = new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n");

const ways: ((port: number) => Promise<void>)[] = [
  (port) => shake({ ...known, ...stranger.client, port }),
  (port) => shake({ ...known, cert: undefined, key: undefined, port }),
  (port) => shake({ ...known, alpnProtocols: ["other"], port }),
  (port) => shake({ ...known, caCerts: [stranger.ca], port }),
  (port) => write(port, text),
  (port) => write(port, new Uint8Array(0)),
];

async function shake(options: TlsOptions): Promise<void> {
  try {
    await using connection = await tls(options).connect();
    await connection.readable.getReader().read();
  } catch {
    return;
  }
  throw new Error("A handshake that must be refused was not");
}

async function write(port: number, bytes: Uint8Array): Promise<void> {
  const connection = await tcp({ port }).connect();
  await connection.writable.getWriter().write(bytes);
  connection.abort();
}

/** The ways in which a listener gets its certificate. */
const listeners: Partial<TlsOptions>[] = [
  server,
  { certificates: () => server },
  { certificates: () => Promise.reject(new Error("None")) },
];

/** Refuses `count` handshakes, one at a time; each has ended at both ends before the next. */
async function refuse(count: number): Promise<void> {
  for (const own of listeners) await refuseBy(own, count / listeners.length);
}

async function refuseBy(
  own: Partial<TlsOptions>,
  count: number,
): Promise<void> {
  let over = () => {};
  await using listener: Listener = await tls({
    ...{ port: 0, ...own, clientCaCerts: [ca], alpnProtocols: ["echo"] },
    onHandshakeError: () => over(),
  }).listen();
  if (!("port" in listener.address)) throw new Error("A listener has a port");
  for (let i = 0; i < count; i++) {
    const told = new Promise<void>((resolve) => {
      over = resolve;
    });
    await ways[i % ways.length]?.(listener.address.port);
    await told;
  }
}

async function measure(): Promise<{ bytes: number; descriptors: number }> {
  const bytes = await usedMemory();
  const descriptors = [...Deno.readDirSync("/proc/self/fd")].length;
  return { bytes, descriptors };
}

// Things that are made once exist by then.
await refuse(120);
const before = await measure();
await refuse(Number(Deno.args[0]));
const after = await measure();
console.log(JSON.stringify({
  bytes: after.bytes - before.bytes,
  descriptors: after.descriptors - before.descriptors,
}));
Deno.exit();
