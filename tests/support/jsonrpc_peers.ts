import { JSONRPCPeer, type JSONRPCPeerOptions } from "../../jsonrpc/mod.ts";
import { jsonLines, memoryPair, Peer, type PeerOptions } from "../../mod.ts";

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

/** A peer, and the other end of its session. */
interface RawEnds<P> extends AsyncDisposable {
  readonly peer: P;
  readonly raw: Peer<unknown>;
}

/** A peer, and the other end as a `Peer` that sends and receives any JSON. */
export function rawPeer(
  options: JSONRPCPeerOptions = {},
): Promise<RawEnds<JSONRPCPeer>> {
  return withRawPeer(new JSONRPCPeer(options), jsonLines);
}

/** A peer, and the other end as a `Peer` with this codec. */
export async function withRawPeer<P extends JSONRPCPeer>(
  peer: P,
  codec: PeerOptions<unknown>["codec"],
): Promise<RawEnds<P>> {
  const [near, far] = memoryPair();
  const raw = new Peer<unknown>({ codec });
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
