import type { NetEnd, TcpSocket } from "../_system/system.ts";
import type { NetAddress } from "../transport.ts";

/** Both ends of a TCP connection. */
export interface TcpEnds {
  readonly localAddress: NetAddress;
  readonly remoteAddress: NetAddress;
}

/** The ends that a socket itself has. */
export function ownEnds(
  { localAddr, remoteAddr }: TcpSocket,
  transport: NetAddress["transport"],
): TcpEnds {
  return {
    localAddress: netAddress(localAddr, transport),
    remoteAddress: netAddress(remoteAddr, transport),
  };
}

/** An end as an address of a transport. */
export function netAddress(
  { hostname, port }: NetEnd,
  transport: NetAddress["transport"],
): NetAddress {
  return { transport, hostname, port };
}
