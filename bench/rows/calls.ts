import { JSONRPCPeer } from "../../mod.ts";
import { requestAlternatives } from "../alternatives/requests.ts";
import type { Alternative, Row } from "../harness.ts";
import type { Wire } from "../wires.ts";
import {
  coalescing,
  type Exchange,
  inFlight,
  keepInFlight,
  oneByOne,
  overPeer,
} from "./requests.ts";

const PARAMS = { text: "twenty-one characters" };

/** The requests that `JSONRPCPeer` sends, for sides without a peer. */
const exchange: Exchange = {
  part: "calls",
  request: (id) =>
    ({ jsonrpc: "2.0", id, method: "echo", params: PARAMS }) as { id: number },
};

export const calls: Row = {
  name: "calls",
  title: "JSON-RPC requests, one at a time",
  unit: "requests",
  target: 0.8,
  parley: (wire, count) => peer(wire, count, 1),
  limit: (wire, count) => oneByOne(wire, count, exchange),
  alternatives: alternatives(1, 1.5),
};

export const callsInFlight: Row = {
  name: "calls-in-flight",
  title: "JSON-RPC requests, 100 in flight",
  unit: "requests",
  target: 0.8,
  parley: (wire, count) => peer(wire, count, 100),
  limit: (wire, count) => coalescing(wire, count, 100, exchange),
  alternatives: alternatives(100, 8),
};

function alternatives(
  waiting: number,
  timesNode: number,
): Record<string, Alternative> {
  return {
    "a protocol without PendingCalls": {
      run: (wire, count) => inFlight(wire, count, waiting, exchange),
      target: 0.8,
    },
    "a plain Peer": {
      run: (wire, count) => overPeer(wire, count, waiting, exchange),
      target: 0.9,
    },
    ...requestAlternatives(waiting, timesNode),
    "MCP SDK, its stdio transport": {
      run: async (wire, count) => {
        // Not before: its packages make the collection of garbage slower.
        const { mcp } = await import("../alternatives/mcp.ts");
        return await mcp(wire, count, waiting);
      },
      target: 1,
      over: (wire) => wire.node !== undefined,
    },
  };
}

async function peer(
  wire: Wire,
  count: number,
  waiting: number,
): Promise<number> {
  await using client = new JSONRPCPeer();
  await client.connect(wire.transport("calls"));
  const requester = { request: () => client.request("echo", PARAMS) };
  return await keepInFlight(requester, count, waiting);
}
