import type { NetAddress } from "../transport.ts";

/** Both ends of a TCP connection. */
export interface TcpEnds {
  readonly localAddress: NetAddress;
  readonly remoteAddress: NetAddress;
}

/** The ends that a socket itself has. */
export function ownEnds(
  { localAddr, remoteAddr }: Deno.TcpConn,
  transport: NetAddress["transport"],
): TcpEnds {
  return {
    localAddress: netAddress(localAddr, transport),
    remoteAddress: netAddress(remoteAddr, transport),
  };
}

/** An address of Deno as one of a transport. */
export function netAddress(
  { hostname, port }: Deno.NetAddr,
  transport: NetAddress["transport"],
): NetAddress {
  return { transport, hostname, port };
}
