import type { Address, Connection, Transport } from "../transports/mod.ts";

/**
 * Makes the two ends of one connection: first the one that has connected, then
 * the one that has accepted.
 */
export type MakePair = () =>
  | readonly [Connection, Connection]
  | Promise<readonly [Connection, Connection]>;

/** Makes the transport under test, for either end. */
export interface TransportUnderTest {
  /** A transport to listen with: at the address, or else at one that is free. */
  server: (address?: Address) => Transport;
  /** A transport to connect with, to where a listener is. */
  client: (address: Address) => Transport;
}
