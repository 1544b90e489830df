import type { Address, Connection, Transport } from "../transports/mod.ts";

/** Makes two ends of one connection: who connected, and who accepted. */
export type MakePair = () =>
  | readonly [Connection, Connection]
  | Promise<readonly [Connection, Connection]>;

/** How the transport under test is made, for either end. */
export interface TransportUnderTest {
  /** A transport to listen with: at the address, or else at one that is free. */
  server: (address?: Address) => Transport;
  /** A transport to connect with, to where a listener is. */
  client: (address: Address) => Transport;
}
