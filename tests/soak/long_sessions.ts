// Makes many calls in one session of each protocol, and prints by how many bytes
// the memory has grown.
import {
  JSONRPCPeer,
  type JSONRPCPeerOptions,
  memory,
  memoryPair,
  QMPClient,
  QMPServer,
} from "../../mod.ts";
import { MsgpackRPCPeer } from "../../msgpack/mod.ts";
import { usedMemory } from "../support/used_memory.ts";

const WARM_UP = 20_000;
const CALLS = 50_000;
const IN_FLIGHT = 50;

/** Of the whole session: each call listens to it, and must stop. */
const { signal } = new AbortController();

/** Makes `count` calls, some of them concurrently. */
async function repeat(
  count: number,
  call: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await call(next++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/** The growth of the memory with the calls, in bytes. */
async function growth(
  call: (index: number) => Promise<unknown>,
): Promise<number> {
  await repeat(WARM_UP, call);
  const before = await usedMemory();
  await repeat(CALLS, call);
  return await usedMemory() - before;
}

/** Calls with a signal and a deadline, calls back, and notifications that are read. */
async function rpc(
  Peer: new (options: JSONRPCPeerOptions) => JSONRPCPeer,
): Promise<number> {
  const [near, far] = memoryPair();
  await using server = new Peer({
    methods: {
      add: async (params, { peer, signal }) => {
        const [a, b] = params as [number, number];
        signal.throwIfAborted();
        await peer.notify("progress", [a]);
        return a + await peer.request("same", [b]) as number;
      },
    },
  });
  await using client = new Peer({
    methods: { same: (params) => (params as number[])[0] },
  });
  await Promise.all([server.connect(far), client.connect(near)]);
  using progress = client.notifications("progress");
  return await growth(async (index) => {
    const [sum] = await Promise.all([
      client.request("add", [index, 1], { signal, timeout: 60_000 }),
      progress.next(undefined, { signal }),
    ]);
    if (sum !== index + 1) throw new Error(`${index} + 1 is not ${sum}`);
  });
}

/** Commands with a signal and a deadline, and events that are read. */
async function qmp(): Promise<number> {
  await using server = new QMPServer({
    commands: {
      double: (args) => {
        server.emit("DOUBLED", {});
        return { result: 2 * (args as { of: number }).of };
      },
    },
  });
  const transport = memory();
  server.serve(await transport.listen());
  await using client = new QMPClient();
  await client.connect(transport);
  using events = client.listen("DOUBLED");
  return await growth(async (of) => {
    const [reply] = await Promise.all([
      client.execute("double", { of }, { signal, timeout: 60_000 }),
      events.next(undefined, { signal }),
    ]);
    const { result } = reply as { result: number };
    if (result !== 2 * of) throw new Error(`2 * ${of} is not ${result}`);
  });
}

console.log(JSON.stringify({
  "JSON-RPC": await rpc(JSONRPCPeer),
  "MessagePack-RPC": await rpc(MsgpackRPCPeer),
  QMP: await qmp(),
}));
