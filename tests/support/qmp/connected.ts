import { QMPClient, type QMPClientOptions } from "../../../qmp/mod.ts";
import type { RealServer } from "../servers/real_server.ts";

/** A client that is connected to a server. */
export async function connected(
  server: RealServer,
  options: QMPClientOptions = {},
): Promise<QMPClient> {
  const client = new QMPClient(options);
  await client.connect(server.transport);
  return client;
}
