import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  type AsyncProtocolOptions,
  ConnectError,
  jsonLines,
  Peer,
  Runstate,
  serve,
} from "../../protocol/mod.ts";
import {
  type Connection,
  type Listener,
  memory,
  memoryPair,
  type Transport,
} from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { jsonPeer, recordRunstates } from "../support/protocol/session.ts";
import { untyped } from "../support/untyped.ts";

// Arguments that a type-checked caller cannot give, and hooks that misbehave.

for (
  const [options, errorClass, message] of untyped<AsyncProtocolOptions>([
    [
      { maxMessageBytes: 0 },
      RangeError,
      "maxMessageBytes is 0, expected an integer of at least 1",
    ],
    [
      { maxMessageBytes: 1.5 },
      RangeError,
      "maxMessageBytes is 1.5, expected an integer of at least 1",
    ],
    [
      { maxMessageBytes: "5" },
      TypeError,
      'maxMessageBytes is "5", expected a number',
    ],
    [{ highWaterMark: "5" }, TypeError, 'highWaterMark is "5"'],
    [{ closeTimeout: "5" }, TypeError, 'closeTimeout is "5"'],
  ])
) {
  const given = JSON.stringify(options);
  Deno.test(`a protocol refuses ${given}, naming option and value`, () => {
    assertThrows(() => jsonPeer(options), errorClass, message);
  });
}

for (const place of [undefined, null, 7, "tcp://127.0.0.1:80", {}]) {
  const shown = JSON.stringify(place);
  Deno.test(`connect() and accept() refuse ${shown}, and change nothing`, async () => {
    const peer = jsonPeer();
    const states = recordRunstates(peer);
    const value = typeof place === "string" ? shown : String(place);
    await assertRejects(
      () => peer.connect(place as Transport),
      TypeError,
      `to is ${value}: it must be a Transport or a Connection`,
    );
    await assertRejects(
      () => peer.accept(place as Transport),
      TypeError,
      `from is ${value}: it must be a Transport or a Listener`,
    );
    assertEquals(await states.stop(), []);
  });
}

Deno.test("serve() refuses values that are not a listener or not a function", () => {
  assertThrows(
    () => serve(memory() as unknown as Listener, () => jsonPeer()),
    TypeError,
    "listener is memory:anonymous: it must be a Listener",
  );
  const listener = { accept: () => Promise.reject(new Error("Not reached")) };
  assertThrows(
    () => serve(listener as unknown as Listener, 7 as unknown as () => Peer<1>),
    TypeError,
    "create is 7: it must be a function",
  );
});

Deno.test("connect(), accept() and disconnect() with a value that is not a signal change nothing", async () => {
  const transport = memory();
  await using listener = await transport.listen();
  const peer = jsonPeer();
  const states = recordRunstates(peer);
  const options = { signal: 7 as unknown as AbortSignal };
  await assertRejects(() => peer.connect(transport, options), TypeError);
  await assertRejects(() => peer.accept(listener, options), TypeError);
  await peer.connect(transport);
  await assertRejects(() => peer.disconnect(options), TypeError);
  await peer.disconnect();
  assertEquals(
    await states.stop(),
    ["connecting", "running", "disconnecting", "idle"],
  );
});

for (
  const [what, thrown] of [
    ["a text", "text"],
    ["null", null],
    ["an object without a text", Object.create(null)],
  ] as const
) {
  Deno.test(`a handler that throws ${what} ends the session with it as the cause`, async () => {
    class Throwing extends Peer<unknown> {
      protected override onMessage(): void {
        throw thrown;
      }
    }
    const [near, far] = memoryPair();
    const peer = new Throwing({ codec: jsonLines });
    const remote = jsonPeer();
    await Promise.all([peer.connect(near), remote.connect(far)]);
    await remote.send(1);
    assertStrictEquals(await rejection(peer.closed), thrown);
    assertEquals(peer.runstate, Runstate.DISCONNECTING);
    assertStrictEquals(await rejection(peer.disconnect()), thrown);
    assertEquals(peer.runstate, Runstate.IDLE);
    await rejection(remote.disconnect());
  });
}

Deno.test("connect() rejects with the thrown value as the cause if a negotiation throws an object without a text", async () => {
  const thrown = Object.create(null);
  class Throwing extends Peer<unknown> {
    protected override negotiate(): Promise<void> {
      throw thrown;
    }
  }
  const [near, far] = memoryPair();
  const peer = new Throwing({ codec: jsonLines });
  const error = await assertRejects(() => peer.connect(near), ConnectError);
  assertStrictEquals(error.cause, thrown);
  await far.close();
});

Deno.test("an error thrown by isOrderlyEnd() does not change how the session ends", async () => {
  class Throwing extends Peer<unknown> {
    protected override isOrderlyEnd(): boolean {
      throw new Error("Not a yes, nor a no");
    }
  }
  const [near, far] = memoryPair();
  const peer = new Throwing({ codec: jsonLines });
  await peer.connect(near);
  const reset = new Error("reset");
  near.abort(reset);
  assertStrictEquals(await rejection(peer.closed), reset);
  await rejection(peer.disconnect());
  await far.close();
});

Deno.test("accept() closes a listener that a transport delivers after the abort", async () => {
  const late = Promise.withResolvers<Listener>();
  const closed = Promise.withResolvers<void>();
  const listener: Listener = {
    address: { transport: "memory", name: "late" },
    accept: () => new Promise<Connection>(() => {}),
    close: () => Promise.resolve(closed.resolve()),
    [Symbol.asyncDispose]: () => listener.close(),
    [Symbol.asyncIterator]: () => {
      throw new Error("Not reached");
    },
  };
  const transport: Transport = {
    connect: () => Promise.reject(new Error("Not reached")),
    listen: () => late.promise,
    toString: () => "memory:late",
  };
  const peer = jsonPeer({ closeTimeout: 60_000 });
  const reason = new Error("enough");
  const controller = new AbortController();
  const accepting = peer.accept(transport, { signal: controller.signal });
  controller.abort(reason);
  late.resolve(listener);
  assertStrictEquals(await rejection(accepting), reason);
  await closed.promise;
});

Deno.test("accept() ends its connection if the listener cannot be closed", async () => {
  const [near, far] = memoryPair();
  const failure = new Error("cannot close");
  const listener: Listener = {
    address: near.localAddress,
    accept: () => Promise.resolve(near),
    close: () => Promise.reject(failure),
    [Symbol.asyncDispose]: () => listener.close(),
    [Symbol.asyncIterator]: () => {
      throw new Error("Not reached");
    },
  };
  const peer = jsonPeer();
  const transport: Transport = {
    connect: () => Promise.reject(new Error("Not reached")),
    listen: () => Promise.resolve(listener),
    toString: () => "memory:stuck",
  };
  const error = await assertRejects(() => peer.accept(transport), ConnectError);
  assertStrictEquals(error.cause, failure);
  assertStrictEquals(
    await rejection(near.readable.getReader().read()),
    failure,
  );
  await far.close();
});

Deno.test("blockedMs includes waits that still go on, and counts concurrent waits once", async () => {
  const [near, far] = memoryPair();
  const peer = jsonPeer({ highWaterMark: 0, closeTimeout: 1 });
  await peer.connect(near);
  const since = performance.now();
  for (let i = 0; i < 10; i++) peer.send("x".repeat(100_000));
  await new Promise((resolve) => setTimeout(resolve, 2));
  const { blockedMs } = peer.stats;
  assert(blockedMs > 0);
  assert(blockedMs <= performance.now() - since);
  await rejection(peer.disconnect());
  await far.close();
});
