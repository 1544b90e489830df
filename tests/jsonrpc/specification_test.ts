// The examples of the JSON-RPC 2.0 specification, §7, each as bytes in and out.
import { assertEquals } from "@std/assert";
import { JSONRPCPeer } from "../../jsonrpc/mod.ts";
import { lines, memoryPair, Peer } from "../../mod.ts";

const methods = {
  subtract: (params: number[] | { minuend: number; subtrahend: number }) =>
    Array.isArray(params)
      ? Number(params[0]) - Number(params[1])
      : params.minuend - params.subtrahend,
  sum: (params: number[]) => params.reduce((sum, n) => sum + n, 0),
  get_data: () => ["hello", 5],
  update: () => {},
  notify_hello: () => {},
  notify_sum: () => {},
  ping: () => "pong",
};

/** A server's answers to each line. A ping follows, to check that the session goes on. */
async function answers(request: string): Promise<unknown[]> {
  const [near, far] = memoryPair();
  await using server = new JSONRPCPeer({ methods });
  await using client = new Peer({ codec: lines });
  await Promise.all([server.connect(far), client.connect(near)]);
  await client.send(request);
  await client.send('{"jsonrpc":"2.0","id":"last","method":"ping"}');
  const found = [];
  for await (const line of client) {
    const answer = JSON.parse(line);
    if (answer.id === "last") break;
    found.push(answer);
  }
  await client.disconnect();
  return found;
}

const error = (code: number, message: string, id: unknown) => ({
  jsonrpc: "2.0",
  id,
  error: { code, message },
});
const result = (result: unknown, id: unknown) => ({
  jsonrpc: "2.0",
  id,
  result,
});

const examples: [name: string, request: string, answers: unknown[]][] = [
  [
    "positional parameters",
    '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
    [result(19, 1)],
  ],
  [
    "positional parameters, the other way round",
    '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
    [result(-19, 2)],
  ],
  [
    "named parameters",
    '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
    [result(19, 3)],
  ],
  [
    "a notification",
    '{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}',
    [],
  ],
  [
    "a notification of no known method",
    '{"jsonrpc": "2.0", "method": "foobar"}',
    [],
  ],
  [
    "a method that does not exist",
    '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
    [error(-32601, "Method not found", "1")],
  ],
  [
    "invalid JSON",
    '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
    [error(-32700, "Parse error", null)],
  ],
  [
    "an invalid request object",
    '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
    [error(-32600, "Invalid Request", null)],
  ],
  [
    "a batch of invalid JSON",
    '[ {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method" ]',
    [error(-32700, "Parse error", null)],
  ],
  ["an empty batch", "[]", [error(-32600, "Invalid Request", null)]],
  [
    "a batch of one invalid member",
    "[1]",
    [[error(-32600, "Invalid Request", null)]],
  ],
  [
    "a batch of three invalid members",
    "[1,2,3]",
    [[1, 2, 3].map(() => error(-32600, "Invalid Request", null))],
  ],
  [
    "a batch of all kinds",
    JSON.stringify([
      { jsonrpc: "2.0", method: "sum", params: [1, 2, 4], id: "1" },
      { jsonrpc: "2.0", method: "notify_hello", params: [7] },
      { jsonrpc: "2.0", method: "subtract", params: [42, 23], id: "2" },
      { foo: "boo" },
      { jsonrpc: "2.0", method: "foo.get", params: { name: "me" }, id: "5" },
      { jsonrpc: "2.0", method: "get_data", id: "9" },
    ]),
    [[
      result(7, "1"),
      result(19, "2"),
      error(-32600, "Invalid Request", null),
      error(-32601, "Method not found", "5"),
      result(["hello", 5], "9"),
    ]],
  ],
  [
    "a batch of notifications",
    '[{"jsonrpc":"2.0","method":"notify_sum","params":[1,2,4]},{"jsonrpc":"2.0","method":"notify_hello","params":[7]}]',
    [],
  ],
];

for (const [name, request, expected] of examples) {
  Deno.test(`the specification's example is answered as specified: ${name}`, async () => {
    assertEquals(await answers(request), expected);
  });
}
