import type { Connection } from "../../transports/mod.ts";
import type { TransportUnderTest } from "../transport_under_test.ts";

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
