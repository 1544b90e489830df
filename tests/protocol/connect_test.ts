import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  ConnectError,
  EndOfStreamError,
  Runstate,
} from "../../protocol/mod.ts";
import {
  type Connection,
  memory,
  memoryPair,
  type Transport,
} from "../../transports/mod.ts";
import {
  assertCanBeUsedAgain,
  FAILED_ATTEMPT,
  jsonPeer,
  overStreams,
  recordRunstates,
  write,
} from "../support/protocol/session.ts";
import { Lines } from "../support/protocol/line_protocol.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";
import { silent } from "../support/transports/silent_transport.ts";

const never = new Promise<never>(() => {});

Deno.test("accept() of a transport listens for one peer and stops listening", async () => {
  const transport = memory();
  const server = jsonPeer();
  const accepting = server.accept(transport);
  const client = jsonPeer();
  await client.connect(transport);
  await accepting;
  await assertRejects(() => transport.connect(), Deno.errors.ConnectionRefused);
  await client.disconnect();
  await assertRejects(() => server.disconnect(), EndOfStreamError);
});

Deno.test("accept() of a listener leaves it open for the next session", async () => {
  const transport = memory();
  await using listener = await transport.listen();
  for (let session = 0; session < 3; session++) {
    const server = jsonPeer();
    const client = jsonPeer();
    await Promise.all([server.accept(listener), client.connect(transport)]);
    await client.disconnect();
    await assertRejects(() => server.disconnect(), EndOfStreamError);
  }
});

Deno.test("a refused connect() rejects with its cause, and goes through disconnecting", async () => {
  const protocol = new Lines();
  const states = recordRunstates(protocol);
  const error = await assertRejects(
    () => protocol.connect(memory()),
    ConnectError,
    "Failed to establish connection: ",
  );
  assertInstanceOf(error.cause, Deno.errors.ConnectionRefused);
  assertEquals(await states.stop(), FAILED_ATTEMPT);
  await assertCanBeUsedAgain(protocol);
});

for (const verb of ["connect", "accept"] as const) {
  Deno.test(`an aborted ${verb}() rejects with the reason itself and is idle again`, async () => {
    const protocol = new Lines();
    const states = recordRunstates(protocol);
    const controller = new AbortController();
    const reason = new Error("enough");
    const attempt = protocol[verb](silent, { signal: controller.signal });
    assertEquals(protocol.runstate, Runstate.CONNECTING);
    controller.abort(reason);
    assertStrictEquals(await attempt.catch((error) => error), reason);
    assertEquals(await states.stop(), FAILED_ATTEMPT);
    await assertCanBeUsedAgain(protocol);
  });

  Deno.test(`${verb}() with a signal aborted before rejects with its reason and is idle again`, async () => {
    const protocol = new Lines();
    const states = recordRunstates(protocol);
    const reason = new Error("enough");
    const attempt = protocol[verb](memory(), {
      signal: AbortSignal.abort(reason),
    });
    assertStrictEquals(await attempt.catch((error) => error), reason);
    assertEquals(await states.stop(), FAILED_ATTEMPT);
    await assertCanBeUsedAgain(protocol);
  });

  Deno.test(`${verb}() that times out rejects with the TimeoutError and is idle again`, async () => {
    const protocol = new Lines();
    const states = recordRunstates(protocol);
    const error = await assertRejects(
      () => protocol[verb](silent, { signal: AbortSignal.timeout(1) }),
      DOMException,
    );
    assertEquals(error.name, "TimeoutError");
    assertEquals(await states.stop(), FAILED_ATTEMPT);
    await assertCanBeUsedAgain(protocol);
  });

  Deno.test(`disconnect() aborts a pending ${verb}()`, async () => {
    const protocol = new Lines();
    const states = recordRunstates(protocol);
    const attempt = assertRejects(
      () => protocol[verb](silent),
      DOMException,
      "disconnect()",
    );
    await protocol.disconnect();
    assertEquals(protocol.runstate, Runstate.IDLE);
    assertEquals((await attempt).name, "AbortError");
    assertEquals(await states.stop(), FAILED_ATTEMPT);
    await assertCanBeUsedAgain(protocol);
  });
}

Deno.test("connect() aborts a connection that a transport delivers after the abort", async () => {
  const late = Promise.withResolvers<Connection>();
  const transport: Transport = { ...silent, connect: () => late.promise };
  const protocol = new Lines({ closeTimeout: 60_000 });
  const controller = new AbortController();
  const attempt = protocol.connect(transport, { signal: controller.signal });
  controller.abort();
  const [near, far] = memoryPair();
  late.resolve(near);
  await assertRejects(() => attempt, DOMException);
  await assertRejects(
    () => far.readable.getReader().read(),
    Deno.errors.ConnectionReset,
  );
  await assertCanBeUsedAgain(protocol);
});

Deno.test("connect() with a transport that ignores the signal ends within closeTimeout", async () => {
  const transport: Transport = { ...silent, connect: () => never };
  const protocol = new Lines({ closeTimeout: 1 });
  const attempt = protocol.connect(transport, {
    signal: AbortSignal.timeout(1),
  });
  await assertRejects(() => attempt, DOMException);
  await assertCanBeUsedAgain(protocol);
});

Deno.test("connect() rejects when the negotiation fails, and releases the connection", async () => {
  const protocol = new Lines();
  const states = recordRunstates(protocol);
  const cause = new Error("wrong version");
  protocol.negotiation = () => Promise.reject(cause);
  const [near, far] = memoryPair();
  const error = await assertRejects(
    () => protocol.connect(near),
    ConnectError,
    "Failed to establish session: wrong version",
  );
  assertStrictEquals(error.cause, cause);
  assertStrictEquals(protocol.signal.reason, cause);
  assertStrictEquals(await protocol.closed.catch((error) => error), cause);
  await assertRejects(
    () => far.readable.getReader().read(),
    Deno.errors.ConnectionReset,
  );
  assertEquals(await states.stop(), FAILED_ATTEMPT);
  protocol.negotiation = () => Promise.resolve();
  await assertCanBeUsedAgain(protocol);
});

Deno.test("connect() rejects when the peer closes during negotiation", async () => {
  const protocol = new Lines();
  const states = recordRunstates(protocol);
  protocol.negotiation = async () => {
    await protocol.receive();
  };
  const [near, far] = memoryPair();
  const attempt = protocol.connect(near);
  await far.close();
  const error = await assertRejects(
    () => attempt,
    ConnectError,
    "Failed to establish session: ",
  );
  assertInstanceOf(error.cause, EndOfStreamError);
  assertEquals(await states.stop(), FAILED_ATTEMPT);
  protocol.negotiation = () => Promise.resolve();
  await assertCanBeUsedAgain(protocol);
});

Deno.test("connect() rejects with what a peer says that leaves without reading", async () => {
  const [near, far] = memoryPair();
  await far.write(new TextEncoder().encode("ERR too many clients\n"));
  await far.close();
  const protocol = new Lines();
  protocol.negotiation = async () => {
    await protocol.send("HELLO");
    throw new Error(await protocol.receive());
  };
  const error = await assertRejects(() => protocol.connect(near), ConnectError);
  assertInstanceOf(error.cause, Error);
  assertEquals(error.cause.message, "ERR too many clients");
});

Deno.test("connect() rejects with what a peer says that is read a moment after a write fails", async () => {
  const [near, far] = memoryPair();
  const writable = new WritableStream<Uint8Array>({
    write() {
      setTimeout(() => write(far, "ERR too many clients\n").catch(() => {}));
      throw new Deno.errors.BrokenPipe("nobody reads");
    },
  });
  const protocol = new Lines();
  protocol.negotiation = async () => {
    protocol.send("HELLO");
    throw new Error(await protocol.receive());
  };
  const connection = overStreams(near, { writable });
  const connecting = protocol.connect(connection);
  const error = await assertRejects(() => connecting, ConnectError);
  assertInstanceOf(error.cause, Error);
  assertEquals(error.cause.message, "ERR too many clients");
  await far.close();
});

Deno.test("connect() rejects if the peer has left, though the negotiation is done", async () => {
  const [near, far] = memoryPair();
  await far.close();
  const protocol = new Lines();
  protocol.negotiation = async () => {
    const sending = async () => {
      for (;;) await protocol.send("HELLO");
    };
    await assertRejects(sending, Deno.errors.BrokenPipe);
  };
  const error = await assertRejects(() => protocol.connect(near), ConnectError);
  assertInstanceOf(error.cause, Deno.errors.BrokenPipe);
});

Deno.test("connect() rejects when it is aborted, even if the negotiation ignores its signal", async () => {
  const protocol = new Lines();
  const negotiating = Promise.withResolvers<AbortSignal>();
  protocol.negotiation = (signal) => (negotiating.resolve(signal), never);
  const [near, far] = memoryPair();
  const controller = new AbortController();
  const attempt = protocol.connect(near, { signal: controller.signal });
  const signal = await negotiating.promise;
  const reason = new Error("enough");
  controller.abort(reason);
  assertStrictEquals(await attempt.catch((error) => error), reason);
  assertStrictEquals(signal.reason, reason);
  assertEquals(protocol.runstate, Runstate.IDLE);
  await assertRejects(
    () => far.readable.getReader().read(),
    Deno.errors.ConnectionReset,
  );
});

Deno.test("1,000 aborted connects and accepts leave no listener on a long-lived signal", async () => {
  const watched = new WatchedSignal();
  const attempts = Array.from({ length: 1000 }, (_, n) => {
    const peer = jsonPeer();
    return peer[n % 2 ? "connect" : "accept"](silent, {
      signal: watched.signal,
    });
  });
  assertEquals(watched.listeners, 1000);
  watched.abort();
  for (const { status } of await Promise.allSettled(attempts)) {
    assertEquals(status, "rejected");
  }
  assertEquals(watched.listeners, 0);
});
