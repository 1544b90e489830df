import { QMPClient, QMPServer, type QMPServerOptions } from "../../qmp/mod.ts";
import {
  type Connection,
  formatAddress,
  tcp,
  type Transport,
} from "../../transports/mod.ts";
import type { VictimAddress } from "./attack.ts";

/** Starts a QMP server over TCP, and returns its address. */
export async function startQMPServer(
  options: QMPServerOptions = {},
): Promise<string> {
  const server = new QMPServer(options);
  const { addr } = server.serve(await tcp({ port: 0 }).listen());
  return formatAddress(addr);
}

/** One exchange of a good client: a session, and a command in it. */
export async function exchange(
  { transport }: VictimAddress,
  command = "query-version",
  args = {},
): Promise<void> {
  await using client = new QMPClient();
  await client.connect(transport);
  await client.execute(command, args);
}

/** A connection that has asked for capabilities. Nothing is read from it. */
export async function negotiated(
  transport: Transport,
  ...enable: string[]
): Promise<Connection> {
  const connection = await transport.connect();
  const request = { execute: "qmp_capabilities", arguments: { enable } };
  const writer = connection.writable.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(request)));
  writer.releaseLock();
  return connection;
}

/** Bytes as text for a cell of the table. */
export function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
