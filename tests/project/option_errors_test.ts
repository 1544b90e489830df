/** One grammar of errors about options, and the same classes, in every room. */
import { assertMatch, assertRejects } from "@std/assert";
import * as parley from "../../mod.ts";
import { msgpack } from "../../msgpack/mod.ts";
import { toAcpStream } from "../../jsonrpc/acp.ts";
import { toMcpTransport } from "../../jsonrpc/mcp.ts";
import { launch } from "../../qmp/launch.ts";
import { faulty } from "../../testing/mod.ts";

/** What takes options, by their names, with no check by the compiler. */
type Taker = (options: Record<string, unknown>) => unknown;

// deno-lint-ignore no-explicit-any
const any = parley as any;
const memory = parley.memory();
const client = () => new parley.QMPClient();
const [end] = parley.memoryPair();

const SESSION = [
  ...["maxMessageBytes", "highWaterMark", "maxQueuedBytes", "idleTimeout"],
  ...["handshakeTimeout", "keepAliveInterval", "closeTimeout"],
];

/** Options that are numbers, none of which may be -1. */
const NUMBERS: Record<string, [Taker, ...string[]]> = {
  Peer: [
    (options) => new any.Peer({ codec: parley.lines, ...options }),
    ...SESSION,
  ],
  JSONRPCPeer: [
    (options) => new any.JSONRPCPeer(options),
    ...["timeout", "maxBatch", ...SESSION],
  ],
  QMPClient: [(options) => new any.QMPClient(options), ...SESSION],
  QMPServer: [(options) => new any.QMPServer(options), ...SESSION],
  GuestAgentClient: [
    (options) => new any.GuestAgentClient(options),
    ...["timeout", ...SESSION],
  ],
  serve: [
    async (options) =>
      any.serve(await parley.memory().listen(), () => {}, options),
    ...["maxSessions", "maxQueuedBytes", "idleTimeout", "shutdownTimeout"],
  ],
  reconnecting: [
    (options) => any.reconnecting(client(), memory, options),
    ...["initialDelay", "maxDelay", "maxAttempts"],
  ],
  listen: [
    (options) => client().listen(undefined, options),
    ...["limit", "maxBytes"],
  ],
  PendingCalls: [(options) => new any.PendingCalls(options), "maxId"],
  open: [
    (options) => new any.PendingCalls().open(options),
    ...["timeout", "totalTimeout"],
  ],
  ByteBudget: [({ limit }) => new any.ByteBudget(limit), "limit"],
  lines: [(options) => any.lines(options), "maxMessageBytes"],
  jsonLines: [
    (options) => any.jsonLines({ badMessages: "skip", ...options }),
    "maxBadMessages",
  ],
  lengthPrefixed: [
    (options) => any.lengthPrefixed(options),
    ...["lengthFieldOffset", "lengthFieldLength"],
  ],
  msgpack: [(options) => msgpack(options), "maxMessageBytes"],
  toMcpTransport: [
    (options) => toMcpTransport(end, options),
    "maxMessageBytes",
  ],
  toAcpStream: [(options) => toAcpStream(end, options), "maxMessageBytes"],
  tcp: [
    (options) => any.tcp({ port: 1, proxyProtocol: true, ...options }),
    ...["port", "handshakeTimeout"],
  ],
  tls: [
    (options) => any.tls({ port: 1, ...options }),
    "port",
    "handshakeTimeout",
  ],
  unix: [(options) => any.unix({ path: "/x", ...options }), "mode"],
  vsock: [
    (options) => any.vsock({ cid: 1, port: 1, ...options }),
    "cid",
    "port",
  ],
  webSocket: [
    (options) => any.webSocket({ url: "ws://x/", ...options }),
    "handshakeTimeout",
  ],
  fromWebSocket: [
    (options) => {
      const socket = new WebSocket("ws://127.0.0.1:1/");
      socket.close();
      return any.fromWebSocket(socket, options);
    },
    "maxQueuedBytes",
  ],
  memory: [(options) => any.memory(options), "highWaterMark"],
  relay: [(options) => any.relay(memory, memory, options), "connectTimeout"],
  launch: [(options) => launch(options), "startTimeout", "endTimeout"],
  faulty: [(options) => faulty(memory, options), "seed", "every"],
};

for (const [name, [take, ...options]] of Object.entries(NUMBERS)) {
  for (const option of options) {
    Deno.test(`${name}: ${option} of a wrong type is a TypeError, out of range a RangeError`, async () => {
      for (
        const [value, Class] of [["x", TypeError], [-1, RangeError]] as const
      ) {
        const error = await assertRejects(
          async () => void await take({ [option]: value }),
          Class,
        );
        const shown = JSON.stringify(value);
        assertMatch(
          error.message,
          new RegExp(
            `^Cannot .*: ${option} is ${shown}(, expected|: it must be) `,
          ),
        );
      }
    });
  }
}
