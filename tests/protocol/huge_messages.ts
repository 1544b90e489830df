// Sends a message of 16 MiB by each codec, over each transport, and prints how
// many more MiB the two open sessions hold than before.
import {
  type Codec,
  contentLength,
  delimited,
  jsonLines,
  jsonValues,
  lengthPrefixed,
  lines,
  netstrings,
  Peer,
} from "../../protocol/mod.ts";
import { memory, tls, unix } from "../../transports/mod.ts";
import { certificates } from "../support/transports/certificates.ts";

const MIB = 1024 * 1024;
const SIZE = 16 * MIB;

declare const gc: () => void;

/** Collects twice: buffers are freed some time after they are found to be garbage. */
function heldMiB(): number {
  gc();
  gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return (heapUsed + external) / MIB;
}

async function pass<T>(
  message: () => T,
  from: Peer<T>,
  to: Peer<T>,
): Promise<void> {
  const sent = from.send(message());
  for await (const _ of to) break;
  await sent;
}

const { ca, server } = await certificates();

async function growth<T>(
  codec: (options: { maxMessageBytes: number }) => Codec<T>,
  message: () => T,
): Promise<number[]> {
  const folder = await Deno.makeTempDir();
  const grown = [];
  const inMemory = memory();
  const atPath = unix({ path: `${folder}/socket` });
  const secret = await tls({ port: 0, ...server }).listen();
  const { port } = secret.address as Deno.NetAddr;
  const ways = [
    [inMemory, await inMemory.listen()],
    [atPath, await atPath.listen()],
    [tls({ port, caCerts: [ca] }), secret],
  ] as const;
  for (const [transport, listening] of ways) {
    await using listener = listening;
    const options = { codec: () => codec({ maxMessageBytes: Infinity }) };
    await using from = new Peer(options);
    await using to = new Peer(options);
    await Promise.all([from.connect(transport), to.accept(listener)]);
    const before = heldMiB();
    await pass(message, from, to);
    grown.push(heldMiB() - before);
  }
  await Deno.remove(folder);
  return grown;
}

const text = () => "x".repeat(SIZE);
const bytes = () => new Uint8Array(SIZE);
const grown = {
  lines: await growth(lines, text),
  jsonLines: await growth(jsonLines<string>, text),
  jsonValues: await growth(jsonValues<string>, text),
  delimited: await growth((options) => delimited(1, options), bytes),
  lengthPrefixed: await growth(lengthPrefixed, bytes),
  contentLength: await growth(contentLength, bytes),
  netstrings: await growth(netstrings, bytes),
};
console.log(JSON.stringify(grown));
