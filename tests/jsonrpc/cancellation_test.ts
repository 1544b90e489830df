import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  type CancellationName,
  type HandlerContext,
  JSONRPCError,
  JSONRPCPeer,
} from "../../jsonrpc/mod.ts";
import { CallTimeoutError, memoryPair } from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { rawPeer, twoPeers } from "../support/jsonrpc_peers.ts";
import { turns } from "../support/turns.ts";

const dialects: Record<CancellationName, [method: string, member: string]> = {
  lsp: ["$/cancelRequest", "id"],
  mcp: ["notifications/cancelled", "requestId"],
  acp: ["$/cancel_request", "requestId"],
};

/** The first request of a session. */
const slow = { jsonrpc: "2.0", id: 1, method: "slow" };

for (const [name, [method, member]] of Object.entries(dialects)) {
  const cancellation = name as CancellationName;
  const cancelled = { jsonrpc: "2.0", method, params: { [member]: 1 } };

  Deno.test(`${name}: an aborted request is cancelled by ${method}, and rejects with the reason`, async () => {
    await using ends = await rawPeer({ cancellation });
    const controller = new AbortController();
    const { signal } = controller;
    const reply = ends.peer.request("slow", undefined, { signal });
    await ends.raw.receive();
    const reason = new Error("changed my mind");
    controller.abort(reason);
    assertStrictEquals(await rejection(reply), reason);
    assertEquals(await ends.raw.receive(), cancelled);
    await ends.raw.send({ jsonrpc: "2.0", id: 1, result: "late" });
    const other = ends.peer.request("quick");
    await ends.raw.send({ jsonrpc: "2.0", id: 2, result: "mine" });
    assertEquals(await other, "mine");
  });

  Deno.test(`${name}: a request past its deadline is cancelled, too`, async () => {
    await using ends = await rawPeer({ cancellation, timeout: 5 });
    assertInstanceOf(
      await rejection(ends.peer.request("slow")),
      CallTimeoutError,
    );
    await ends.raw.receive();
    assertEquals(await ends.raw.receive(), cancelled);
  });

  Deno.test(`${name}: a request with invalid params is neither sent nor cancelled`, async () => {
    await using ends = await rawPeer({ cancellation, timeout: 5 });
    const { peer, raw } = ends;
    await assertRejects(() => peer.request("slow", 5 as never), TypeError);
    await rejection(peer.request("slow"));
    assertEquals(await raw.receive(), slow);
    assertEquals(await raw.receive(), cancelled);
  });

  Deno.test(`${name}: a request that cannot be encoded is not cancelled by an abort in the same turn`, async () => {
    await using ends = await rawPeer({ cancellation });
    const { peer, raw } = ends;
    const controller = new AbortController();
    const { signal } = controller;
    const request = peer.request("slow", { n: 1n }, { signal });
    controller.abort(new Error("at once"));
    assertEquals((await rejection(request) as Error).message, "at once");
    await peer.notify("next");
    assertEquals(await raw.receive(), { jsonrpc: "2.0", method: "next" });
  });

  Deno.test(`${name}: an abort in the same turn cancels a request that waits for room`, async () => {
    await using ends = await rawPeer({ cancellation, highWaterMark: 0 });
    const { peer, raw } = ends;
    const controller = new AbortController();
    const { signal } = controller;
    const request = peer.request("slow", undefined, { signal });
    controller.abort();
    await rejection(request);
    assertEquals(await raw.receive(), slow);
    assertEquals(await raw.receive(), cancelled);
  });

  Deno.test(`${name}: a request that waits behind a response and cannot be encoded is not cancelled`, async () => {
    const [near, far] = memoryPair();
    await using peer = new JSONRPCPeer({
      cancellation,
      methods: { large: () => "x".repeat(4_000_000) },
    });
    await peer.connect(near);
    const calls = [1, 2].map((id) =>
      `{"jsonrpc":"2.0","id":${id},"method":"large"}\n`
    );
    await far.write(new TextEncoder().encode(calls.join("")));
    await turns();
    const controller = new AbortController();
    const { signal } = controller;
    const request = peer.request("slow", { n: 1n }, { signal });
    controller.abort();
    await rejection(request);
    peer.notify("next");
    const disconnected = peer.disconnect();
    const lines = (await new Response(far.readable).text()).trim().split("\n");
    assertEquals(
      lines.map((line) => JSON.parse(line)).map(({ id, method }) =>
        id ?? method
      ),
      [1, 2, "next"],
    );
    await disconnected;
    await far.close();
  });

  const answered = name !== "mcp";
  Deno.test(`${name}: ${method} aborts the handler's signal, and the request is ${answered ? "answered with -32800" : "not answered"}`, async () => {
    const started = Promise.withResolvers<void>();
    await using ends = await rawPeer({
      cancellation,
      methods: {
        slow: (_: unknown, { signal }: HandlerContext) => {
          started.resolve();
          return new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason))
          );
        },
        ping: () => "pong",
      },
    });
    const { raw } = ends;
    await raw.send({ jsonrpc: "2.0", id: "a", method: "slow" });
    await started.promise;
    await raw.send({ jsonrpc: "2.0", method, params: { [member]: "other" } });
    await raw.send({ jsonrpc: "2.0", method, params: { [member]: "a" } });
    if (answered) {
      assertEquals(await raw.receive(), {
        jsonrpc: "2.0",
        id: "a",
        error: { code: -32800, message: "Request cancelled" },
      });
    }
    await raw.send({ jsonrpc: "2.0", id: "b", method: "ping" });
    assertEquals(await raw.receive(), {
      jsonrpc: "2.0",
      id: "b",
      result: "pong",
    });
  });
}

Deno.test("the handler of a request that is cancelled while it waits does not run", async () => {
  const begun: unknown[] = [];
  const gate = Promise.withResolvers<void>();
  await using ends = await twoPeers({
    cancellation: "lsp",
    order: "serial",
    methods: {
      async work([n]: [number]) {
        begun.push(n);
        await gate.promise;
      },
      ping: () => {},
    },
  }, { cancellation: "lsp" });
  const { client } = ends;
  const first = client.request("work", [1]);
  const controller = new AbortController();
  const { signal } = controller;
  const second = client.request("work", [2], { signal });
  controller.abort();
  await rejection(second);
  const last = client.request("ping");
  gate.resolve();
  await Promise.all([first, last]);
  assertEquals(begun, [1]);
});

Deno.test("without a dialect, an abort rejects the request and sends nothing", async () => {
  await using ends = await rawPeer();
  const controller = new AbortController();
  const { signal } = controller;
  const reply = ends.peer.request("slow", undefined, { signal });
  controller.abort();
  await rejection(reply);
  const other = ends.peer.request("quick");
  await ends.raw.receive();
  assertEquals(await ends.raw.receive(), {
    jsonrpc: "2.0",
    id: 2,
    method: "quick",
  });
  await ends.raw.send({ jsonrpc: "2.0", id: 2, result: 0 });
  await other;
});

for (const cancellation of ["lsp", "mcp"] as const) {
  Deno.test(`${cancellation}: progress reaches the caller in order, and restarts the deadline`, async () => {
    const seen: unknown[] = [];
    await using ends = await twoPeers({
      cancellation,
      methods: {
        async copy(_: unknown, { progress }: HandlerContext) {
          for (let n = 1; n <= 3; n++) {
            await progress({ progress: n, total: 3 });
          }
          return "copied";
        },
      },
    }, { cancellation });
    const result = await ends.client.request("copy", { path: "/a" }, {
      onProgress: (value) => seen.push(value),
    });
    assertEquals(result, "copied");
    assertEquals(
      seen,
      [1, 2, 3].map((progress) => ({ progress, total: 3 })),
    );
  });
}

Deno.test("a request without onProgress gets no progress", async () => {
  await using ends = await rawPeer({
    cancellation: "mcp",
    methods: {
      async copy(_: unknown, { progress, meta }: HandlerContext) {
        await progress({ progress: 1 });
        return { meta };
      },
    },
  });
  const params = { _meta: { trace: 7 } };
  await ends.raw.send({ jsonrpc: "2.0", id: 1, method: "copy", params });
  assertEquals(await ends.raw.receive(), {
    jsonrpc: "2.0",
    id: 1,
    result: { meta: { trace: 7 } },
  });
});

for (const cancellation of ["lsp", "mcp"] as const) {
  Deno.test(`${cancellation}: a handler reports no progress after its answer`, async () => {
    const contexts: HandlerContext[] = [];
    await using ends = await rawPeer({
      cancellation,
      methods: {
        copy: (_: unknown, context: HandlerContext) => {
          contexts.push(context);
          context.progress(1);
          return "copied";
        },
      },
    });
    const params = { workDoneToken: "t", _meta: { progressToken: "t" } };
    await ends.raw.send({ jsonrpc: "2.0", id: 1, method: "copy", params });
    const report = await ends.raw.receive();
    assertInstanceOf((report as { params: unknown }).params, Object);
    const answer = { jsonrpc: "2.0", id: 1, result: "copied" };
    assertEquals(await ends.raw.receive(), answer);
    await contexts[0]?.progress(2);
    await ends.raw.send({ jsonrpc: "2.0", id: 2, method: "none" });
    assertEquals((await ends.raw.receive() as { id: number }).id, 2);
  });
}

Deno.test("progress extends a deadline only up to totalTimeout", async () => {
  await using ends = await rawPeer({ cancellation: "mcp" });
  const { peer, raw } = ends;
  const reply = peer.request("copy", {}, {
    timeout: 20,
    totalTimeout: 60,
    onProgress: () => {},
  });
  await raw.receive();
  const params = { progressToken: 1, progress: 0 };
  let over = false;
  const failed = rejection(reply).finally(() => over = true);
  while (!over) {
    await raw.send({
      jsonrpc: "2.0",
      method: "notifications/progress",
      params,
    });
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertInstanceOf(await failed, CallTimeoutError);
});

Deno.test("progress is refused if the dialect has none, or params is an array", async () => {
  const onProgress = () => {};
  await using acp = await rawPeer({ cancellation: "acp" });
  await assertRejects(
    () => acp.peer.request("x", {}, { onProgress }),
    TypeError,
    "a dialect without progress",
  );
  await using lsp = await rawPeer({ cancellation: "lsp" });
  await assertRejects(
    () => lsp.peer.request("x", [], { onProgress }),
    TypeError,
    "params is an array",
  );
});

Deno.test("a handler's own AbortError is an internal error if the request was not cancelled", async () => {
  await using ends = await twoPeers({
    methods: {
      fail() {
        throw new DOMException("mine", "AbortError");
      },
    },
  });
  const error = await rejection(ends.client.request("fail"));
  assertInstanceOf(error, JSONRPCError);
  assertEquals(error.code, -32603);
});

Deno.test("a dialect that cannot ask for progress rejects the request, which is not sent", async () => {
  const mistake = new Error("my mistake");
  await using ends = await rawPeer({
    cancellation: {
      ...{ cancelMethod: "cancel", idMember: "id", answersCancelled: true },
      progress: {
        method: "progress",
        tokenMember: "token",
        tokenOf: () => undefined,
        withToken() {
          throw mistake;
        },
      },
    },
    timeout: 5,
  });
  const options = { onProgress() {} };
  const request = ends.peer.request("a", undefined, options);
  assertStrictEquals(await rejection(request), mistake);
  await rejection(ends.peer.request("b"));
  assertEquals(await ends.raw.receive(), {
    jsonrpc: "2.0",
    id: 2,
    method: "b",
  });
  const cancel = { jsonrpc: "2.0", method: "cancel", params: { id: 2 } };
  assertEquals(await ends.raw.receive(), cancel);
});
