import type { Address, Connection, Transport } from "../transports/mod.ts";

/** How the transport under test is made, for either end. */
export interface TransportUnderTest {
  /** A transport to listen with: at the address, or else at one that is free. */
  server: (address?: Address) => Transport;
  /** A transport to connect with, to where a listener is. */
  client: (address: Address) => Transport;
}

/** Two ends of one connection, whose listener is closed again. */
export async function meet(
  { server, client }: TransportUnderTest,
): Promise<[Connection, Connection]> {
  await using listener = await server().listen();
  return await Promise.all([
    client(listener.address).connect(),
    listener.accept(),
  ]);
}
