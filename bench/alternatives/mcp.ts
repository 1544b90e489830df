import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { connect as connectNet, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { keepInFlight } from "../rows/requests.ts";
import type { Wire } from "../wires.ts";

/** Pings of the MCP SDK's client, over its own transport for a pair of streams. */
export async function mcp(
  wire: Wire,
  count: number,
  inFlight: number,
): Promise<number> {
  const address = wire.node?.("calls");
  if (!address) {
    throw new Error("Cannot run the MCP SDK: memory has no address for Node");
  }
  const socket = await new Promise<Socket>((resolve, reject) => {
    const connected = () => resolve(socket);
    const socket: Socket = "ca" in address && address.ca
      ? connectTls(address, connected)
      : connectNet(address as { path: string }, connected);
    socket.setNoDelay?.(true);
    socket.once("error", reject);
  });
  const client = new Client({ name: "bench", version: "1" });
  await client.connect(new StdioServerTransport(socket, socket));
  const requester = { request: () => client.ping() };
  const took = await keepInFlight(requester, count, inFlight);
  await client.close();
  socket.destroy();
  return took;
}
