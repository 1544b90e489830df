import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  type HandlerContext,
  JSONRPCError,
  JSONRPCPeer,
} from "../../jsonrpc/mod.ts";
import {
  CallInterruptedError,
  CallTimeoutError,
  EndOfStreamError,
  lines,
  memoryPair,
  Peer,
  ProtocolError,
  StateError,
} from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { rawPeer, twoPeers } from "../support/jsonrpc_peers.ts";
import { logged, textOf } from "../support/protocol/logged.ts";

Deno.test("a request without params sends none, and resolves with its result", async () => {
  await using ends = await rawPeer();
  const reply = ends.peer.request("ping");
  assertEquals(await ends.raw.receive(), {
    jsonrpc: "2.0",
    id: 1,
    method: "ping",
  });
  await ends.raw.send({ jsonrpc: "2.0", id: 1, result: "pong" });
  assertEquals(await reply, "pong");
});

Deno.test("positional params are sent as an array, and named params as an object", async () => {
  const seen: unknown[] = [];
  await using ends = await twoPeers({
    methods: { see: (params: unknown) => void seen.push(params) },
  });
  for (const params of [[], [1, [2]], {}, { a: 1 }]) {
    assertEquals(await ends.client.request("see", params), null);
  }
  assertEquals(await ends.client.request("see"), null);
  assertEquals(seen, [[], [1, [2]], {}, { a: 1 }, undefined]);
});

Deno.test("a handler's JSONRPCError is answered with its code, message and data", async () => {
  await using ends = await twoPeers({
    methods: {
      fail() {
        throw new JSONRPCError("No room", { code: 7, data: { free: 0 } });
      },
      failLater: () => Promise.reject(new JSONRPCError("Late", { code: -1 })),
    },
  });
  const error = await rejection(ends.client.request("fail"));
  assertInstanceOf(error, JSONRPCError);
  assertEquals(
    [error.message, error.code, error.data],
    ["No room", 7, { free: 0 }],
  );
  const late = await rejection(ends.client.request("failLater"));
  assertInstanceOf(late, JSONRPCError);
  assertEquals([late.code, late.data], [-1, undefined]);
});

Deno.test("a handler's other error is answered with -32603 without detail", async () => {
  await using ends = await rawPeer({
    methods: {
      fail() {
        throw new Error("password is hunter2");
      },
    },
  });
  await ends.raw.send({ jsonrpc: "2.0", id: 5, method: "fail" });
  assertEquals(await ends.raw.receive(), {
    jsonrpc: "2.0",
    id: 5,
    error: { code: -32603, message: "Internal error" },
  });
});

Deno.test("a result that has no JSON text is answered with -32603", async () => {
  await using ends = await twoPeers({
    methods: { big: () => 1n, circle: () => globalThis },
  });
  for (const method of ["big", "circle"]) {
    const error = await rejection(ends.client.request(method));
    assertInstanceOf(error, JSONRPCError);
    assertEquals(error.code, -32603);
  }
});

Deno.test("params that cannot be sent reject, and the next reply goes to its own request", async () => {
  await using ends = await twoPeers({
    methods: { echo: (params: unknown) => params },
  });
  const { client } = ends;
  await assertRejects(() => client.request("echo", [1n]), TypeError);
  await assertRejects(
    () => client.request("echo", "text"),
    TypeError,
    'Cannot call "echo": params is string: it must be an object or an array',
  );
  assertEquals(await client.request("echo", [2]), [2]);
});

Deno.test("methods are own names: constructor and __proto__ are not found", async () => {
  await using ends = await twoPeers({ methods: {} });
  for (const method of ["constructor", "__proto__", "toString"]) {
    const error = await rejection(ends.client.request(method));
    assertInstanceOf(error, JSONRPCError);
    assertEquals(error.code, -32601);
  }
});

Deno.test("a handler may call back, also if handlers run one by one", async () => {
  await using ends = await twoPeers({
    order: "serial",
    methods: {
      ask: async (_: unknown, { peer }: HandlerContext) =>
        `${await peer.request("name")}, ${await peer.request("name")}`,
    },
  }, { methods: { name: () => "Ann" } });
  assertEquals(await ends.client.request("ask"), "Ann, Ann");
});

Deno.test("notifications reach their handler in order, and get no answer", async () => {
  const seen: unknown[] = [];
  await using ends = await twoPeers({
    methods: {
      note: ([n]: [number]) => void seen.push(n),
      done: () => seen.length,
    },
  });
  for (let n = 0; n < 100; n++) await ends.client.notify("note", [n]);
  assertEquals(await ends.client.request("done"), 100);
  assertEquals(seen, Array.from({ length: 100 }, (_, n) => n));
});

for (
  const [order, most] of [["serial", 1], [3, 3], ["parallel", 10]] as const
) {
  Deno.test(`with order ${order}, ${most} of 10 handlers run at once`, async () => {
    let running = 0;
    let seen = 0;
    const gate = Promise.withResolvers<void>();
    await using ends = await twoPeers({
      order,
      methods: {
        async work() {
          seen = Math.max(seen, ++running);
          await gate.promise;
          running--;
        },
        ping: () => {},
      },
    });
    const works = Array.from(
      { length: 10 },
      () => ends.client.request("work"),
    );
    if (order === "parallel") await ends.client.request("ping");
    gate.resolve();
    await Promise.all(works);
    assertEquals(seen, most);
  });
}

Deno.test("with a function as order, calls with one key wait for each other, and other calls do not", async () => {
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  await using ends = await twoPeers({
    order: (_, params) => (params as { key: string }).key,
    methods: {
      async work({ key, n, wait }: { key: string; n: number; wait: boolean }) {
        log.push(`${key}${n} begins`);
        if (wait) await gate.promise;
        log.push(`${key}${n} ends`);
      },
    },
  });
  const work = (key: string, n: number, wait = false) =>
    ends.client.request("work", { key, n, wait });
  const held = [work("a", 1, true), work("a", 2)];
  await work("b", 1);
  gate.resolve();
  await Promise.all(held);
  assertEquals(log, [
    "a1 begins",
    "b1 begins",
    "b1 ends",
    "a1 ends",
    "a2 begins",
    "a2 ends",
  ]);
});

Deno.test("a deadline names the method, and the late response is dropped", async () => {
  await using ends = await rawPeer({ timeout: 10 });
  const error = await rejection(ends.peer.request("slow"));
  assertInstanceOf(error, CallTimeoutError);
  assertEquals(error.message, 'Call "slow": no reply within 10 ms');
  assertEquals([error.method, error.sent], ["slow", true]);
  await ends.raw.send({ jsonrpc: "2.0", id: 1, result: "late" });
  const reply = ends.peer.request("quick", undefined, { timeout: 60_000 });
  await ends.raw.send({ jsonrpc: "2.0", id: 2, result: "in time" });
  assertEquals(await reply, "in time");
});

Deno.test("a request with timeout Infinity has no deadline, whatever the peer's is", async () => {
  await using ends = await rawPeer({ timeout: 5 });
  const { peer } = ends;
  const endless = peer.request("endless", undefined, { timeout: Infinity });
  assertInstanceOf(await rejection(peer.request("slow")), CallTimeoutError);
  await ends.raw.send({ jsonrpc: "2.0", id: 1, result: "late" });
  assertEquals(await endless, "late");
  const total = { timeout: Infinity, totalTimeout: 5 };
  const error = await rejection(peer.request("total", undefined, total));
  assertInstanceOf(error, CallTimeoutError);
});

Deno.test("the end of the session interrupts requests and aborts handlers, with its cause", async () => {
  const reasons: unknown[] = [];
  const started = Promise.withResolvers<void>();
  await using ends = await rawPeer({
    closeTimeout: 50,
    methods: {
      hang: (_: unknown, { signal }: HandlerContext) => {
        started.resolve();
        return new Promise((_, reject) =>
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason);
            reject(signal.reason);
          })
        );
      },
    },
  });
  const pending = ends.peer.request("never");
  await ends.raw.send({ jsonrpc: "2.0", id: "h", method: "hang" });
  await started.promise;
  await ends.raw.disconnect();
  const error = await rejection(pending);
  assertInstanceOf(error, CallInterruptedError);
  assertInstanceOf(error.cause, EndOfStreamError);
  await rejection(ends.peer.closed);
  assertStrictEquals(reasons[0], error.cause);
  assertEquals([error.method, error.sent], ["never", true]);
});

Deno.test("without a session, a request rejects and says that it was not sent", async () => {
  const peer = new JSONRPCPeer();
  await assertRejects(() => peer.request("ping"), StateError);
  await assertRejects(() => peer.notify("ping"), StateError);
});

Deno.test("a peer that has disconnected can be used again", async () => {
  const peer = new JSONRPCPeer();
  for (let time = 0; time < 2; time++) {
    await using ends = await twoPeers({ methods: { n: () => time } });
    await ends.client.disconnect();
    const [near, far] = memoryPair();
    const server = new JSONRPCPeer({ methods: { n: () => time } });
    await Promise.all([peer.connect(near), server.connect(far)]);
    assertEquals(await peer.request("n"), time);
    await peer.disconnect();
    await server.disconnect().catch(() => {});
  }
});

Deno.test("the peer's error for a message that it could not read is a warning", async () => {
  const records = await logged("warning", async () => {
    await using ends = await rawPeer();
    const request = ends.peer.request("ask");
    const error = { code: -32700, message: "Parse error" };
    await ends.raw.send({ jsonrpc: "2.0", id: null, error });
    await ends.raw.send({ jsonrpc: "2.0", id: 1, result: 7 });
    assertEquals(await request, 7);
  });
  assertEquals(
    records.map(textOf),
    ["Peer could not read a message: JSONRPCError: Parse error"],
  );
});

Deno.test("a session ends after 100 invalid messages", async () => {
  await using ends = await rawPeer();
  for (let i = 0; i < 101; i++) {
    ends.raw.send({ neither: "request", nor: "response" }).catch(() => {});
  }
  const cause = await rejection(ends.peer.closed);
  assertInstanceOf(cause, ProtocolError);
  assertEquals(
    cause.message,
    "Receive: 101 messages were invalid, a session ends after 100: there is no method and no id",
  );
});

Deno.test("invalid options are refused, naming option and value", () => {
  const make = (options: unknown) => () => new JSONRPCPeer(options as object);
  assertThrows(make({ order: "random" }), TypeError, 'order is "random"');
  assertThrows(make({ order: 0 }), RangeError, "order is 0");
  assertThrows(make({ cancellation: "dap" }), TypeError, "dap");
  assertThrows(make({ cancellation: "constructor" }), TypeError, "constructor");
  assertThrows(make({ methods: { x: 7 } }), TypeError, 'methods has "x"');
  assertThrows(make({ timeout: -1 }), RangeError, "timeout is -1");
  assertThrows(make({ maxBatch: 0 }), RangeError, "maxBatch is 0");
});

Deno.test("a message over the limit is answered with -32600, and the session goes on", async () => {
  const [near, far] = memoryPair();
  const peer = new JSONRPCPeer({
    maxMessageBytes: 100,
    methods: { ping: () => "pong" },
  });
  const raw = new Peer({ codec: lines });
  await Promise.all([peer.connect(near), raw.connect(far)]);
  await raw.send(`{"jsonrpc":"2.0","id":1,"method":"${"x".repeat(1000)}"}`);
  await raw.send('{"jsonrpc":"2.0","id":2,"method":"ping"}');
  assertEquals(JSON.parse(await raw.receive()).error.code, -32600);
  assertEquals(JSON.parse(await raw.receive()).result, "pong");
  await raw.disconnect();
  await peer[Symbol.asyncDispose]();
});
