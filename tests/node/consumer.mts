// A program of Node in TypeScript, whose compiler knows the types of Node alone.
import { lines, Peer, webSocket } from "@parley/parley";
import { fromWebSocket } from "@parley/parley/browser";
import { toAcpStream } from "@parley/parley/jsonrpc/acp";
import { LSPPeer } from "@parley/parley/jsonrpc/lsp";
import { toMcpTransport } from "@parley/parley/jsonrpc/mcp";
import { MsgpackRPCPeer } from "@parley/parley/msgpack";
import { QMPClient } from "@parley/parley/qmp";
import { testCodec } from "@parley/parley/testing";
import { unix } from "@parley/parley/transports/node";

const client = new QMPClient();
await client.connect(unix({ path: "/run/vm.sock" }));
const headers = { Authorization: "Bearer x" };
const transport = webSocket({ url: "ws://example.com/", headers });
const peer = new Peer({ codec: lines });
await peer.connect(transport, { signal: AbortSignal.timeout(1_000) });
export { fromWebSocket, LSPPeer, MsgpackRPCPeer, testCodec };
export { toAcpStream, toMcpTransport };
