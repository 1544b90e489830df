import { JSONRPCPeer, type JSONRPCPeerOptions } from "../../jsonrpc/mod.ts";
import { jsonLines, memoryPair, Peer } from "../../mod.ts";

/** Two connected peers. */
export async function twoPeers(
  server: JSONRPCPeerOptions = {},
  client: JSONRPCPeerOptions = {},
): Promise<{ server: JSONRPCPeer; client: JSONRPCPeer } & AsyncDisposable> {
  const [near, far] = memoryPair();
  const peers = {
    server: new JSONRPCPeer(server),
    client: new JSONRPCPeer(client),
  };
  await Promise.all([peers.server.connect(far), peers.client.connect(near)]);
  return {
    ...peers,
    async [Symbol.asyncDispose]() {
      await peers.client.disconnect().catch(() => {});
      await peers.server.disconnect().catch(() => {});
    },
  };
}

/** A peer, and the other end as a `Peer` that sends and receives any JSON. */
export async function rawPeer(
  options: JSONRPCPeerOptions = {},
): Promise<{ peer: JSONRPCPeer; raw: Peer<unknown> } & AsyncDisposable> {
  const [near, far] = memoryPair();
  const peer = new JSONRPCPeer(options);
  const raw = new Peer<unknown>({ codec: jsonLines });
  await Promise.all([peer.connect(near), raw.connect(far)]);
  return {
    peer,
    raw,
    async [Symbol.asyncDispose]() {
      await raw.disconnect().catch(() => {});
      await peer.disconnect().catch(() => {});
    },
  };
}
