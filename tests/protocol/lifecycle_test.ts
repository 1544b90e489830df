import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  AsyncProtocol,
  type Codec,
  ConnectError,
  EndOfStreamError,
  lines,
  Runstate,
  StateError,
} from "../../protocol/mod.ts";
import {
  type Connection,
  memory,
  memoryPair,
  type Transport,
} from "../../transports/mod.ts";
import { jsonPeer, recordRunstates, runningPeer } from "../support/session.ts";

/** A protocol of lines whose hooks a test can set. */
class Lines extends AsyncProtocol<string> {
  negotiation: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  handler: (line: string) => void | Promise<void> = () => {};

  override send(line: string): Promise<void> {
    return super.send(line);
  }
  override receive(): Promise<string> {
    return super.receive();
  }
  protected override createCodec(): Codec<string> {
    return lines();
  }
  protected override negotiate(signal: AbortSignal): Promise<void> {
    return this.negotiation(signal);
  }
  protected override onMessage(line: string): void | Promise<void> {
    return this.handler(line);
  }
}

const never = new Promise<never>(() => {});

/** A transport whose attempts wait until they are aborted. */
const silent: Transport = {
  connect: (options) => untilAborted(options?.signal),
  listen: (options) => untilAborted(options?.signal),
  toString: () => "memory:silent",
};

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), {
      once: true,
    });
  });
}

const GOOD = ["connecting", "running", "disconnecting", "idle"] as const;
const FAILED = ["connecting", "disconnecting", "idle"] as const;

async function canBeUsedAgain<In, Out>(
  protocol: AsyncProtocol<In, Out>,
) {
  const [near, far] = memoryPair();
  const states = recordRunstates(protocol);
  await protocol.connect(near);
  await protocol.disconnect();
  assertEquals(await states.stop(), [...GOOD]);
  await far.close();
}

Deno.test("a good session goes through connecting, running, disconnecting, idle at both ends", async () => {
  const transport = memory();
  const [client, server] = [new Lines(), new Lines()];
  const states = [recordRunstates(client), recordRunstates(server)];
  await using listener = await transport.listen();
  await Promise.all([client.connect(transport), server.accept(listener)]);
  await client.disconnect();
  await assertRejects(() => server.disconnect(), EndOfStreamError);
  assertEquals(await states[0]?.stop(), [...GOOD]);
  assertEquals(await states[1]?.stop(), [...GOOD]);
});

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
  assertEquals(await states.stop(), [...FAILED]);
  await canBeUsedAgain(protocol);
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
    assertEquals(await states.stop(), [...FAILED]);
    await canBeUsedAgain(protocol);
  });

  Deno.test(`${verb}() with a signal aborted before rejects with its reason and is idle again`, async () => {
    const protocol = new Lines();
    const states = recordRunstates(protocol);
    const reason = new Error("enough");
    const attempt = protocol[verb](memory(), {
      signal: AbortSignal.abort(reason),
    });
    assertStrictEquals(await attempt.catch((error) => error), reason);
    assertEquals(await states.stop(), [...FAILED]);
    await canBeUsedAgain(protocol);
  });

  Deno.test(`${verb}() that times out rejects with the TimeoutError and is idle again`, async () => {
    const protocol = new Lines();
    const states = recordRunstates(protocol);
    const error = await assertRejects(
      () => protocol[verb](silent, { signal: AbortSignal.timeout(1) }),
      DOMException,
    );
    assertEquals(error.name, "TimeoutError");
    assertEquals(await states.stop(), [...FAILED]);
    await canBeUsedAgain(protocol);
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
    assertEquals(await states.stop(), [...FAILED]);
    await canBeUsedAgain(protocol);
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
  await canBeUsedAgain(protocol);
});

Deno.test("connect() with a transport that ignores the signal ends within closeTimeout", async () => {
  const transport: Transport = { ...silent, connect: () => never };
  const protocol = new Lines({ closeTimeout: 1 });
  const attempt = protocol.connect(transport, {
    signal: AbortSignal.timeout(1),
  });
  await assertRejects(() => attempt, DOMException);
  await canBeUsedAgain(protocol);
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
  assertEquals(await states.stop(), [...FAILED]);
  protocol.negotiation = () => Promise.resolve();
  await canBeUsedAgain(protocol);
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
  assertEquals(await states.stop(), [...FAILED]);
  protocol.negotiation = () => Promise.resolve();
  await canBeUsedAgain(protocol);
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

Deno.test("negotiate() can send and receive before messages flow to onMessage()", async () => {
  const [near, far] = memoryPair();
  const [client, server] = [new Lines(), new Lines()];
  const seen: string[] = [];
  client.negotiation = async () => {
    seen.push(await client.receive());
    await client.send("hello, server");
  };
  server.negotiation = async () => {
    await server.send("hello, client");
    seen.push(await server.receive());
  };
  const handled = Promise.withResolvers<string>();
  client.handler = handled.resolve;
  await Promise.all([client.connect(near), server.connect(far)]);
  await server.send("news");
  assertEquals(await handled.promise, "news");
  assertEquals(seen, ["hello, client", "hello, server"]);
  await client.disconnect();
  await assertRejects(() => server.disconnect(), EndOfStreamError);
});

Deno.test("when the peer ends, the session is disconnecting until disconnect()", async () => {
  const { peer, remote } = await runningPeer();
  const states = recordRunstates(peer);
  await remote.close();
  const error = await peer.closed.catch((error) => error);
  assertInstanceOf(error, EndOfStreamError);
  assertStrictEquals(peer.signal.reason, error);
  assertEquals(peer.runstate, Runstate.DISCONNECTING);
  assertStrictEquals(await peer.disconnect().catch((error) => error), error);
  assertEquals(await states.stop(), ["disconnecting", "idle"]);
  await canBeUsedAgain(peer);
});

Deno.test("when the peer resets, the session is disconnecting with the error as the cause", async () => {
  const { peer, remote } = await runningPeer();
  const states = recordRunstates(peer);
  remote.abort(new Error("power cut"));
  await assertRejects(() => peer.closed, Deno.errors.ConnectionReset);
  assertEquals(peer.runstate, Runstate.DISCONNECTING);
  await assertRejects(() => peer.disconnect(), Deno.errors.ConnectionReset);
  assertEquals(await states.stop(), ["disconnecting", "idle"]);
  await canBeUsedAgain(peer);
});

for (const kind of ["throws", "rejects"] as const) {
  Deno.test(`a handler that ${kind} ends the session with its error as the cause`, async () => {
    const protocol = new Lines();
    const states = recordRunstates(protocol);
    const cause = new Error("cannot handle");
    protocol.handler = () => {
      if (kind === "rejects") return Promise.reject(cause);
      throw cause;
    };
    const [near, far] = memoryPair();
    await protocol.connect(near);
    const other = new Lines();
    await other.connect(far);
    await other.send("something");
    assertStrictEquals(await protocol.closed.catch((error) => error), cause);
    assertStrictEquals(
      await protocol.disconnect().catch((error) => error),
      cause,
    );
    assertEquals(await states.stop(), [...GOOD]);
    await assertRejects(() => other.disconnect(), Deno.errors.ConnectionReset);
    protocol.handler = () => {};
    await canBeUsedAgain(protocol);
  });
}

Deno.test("disconnect() from idle goes through disconnecting", async () => {
  const protocol = new Lines();
  const states = recordRunstates(protocol);
  await protocol.disconnect();
  assertEquals(await states.stop(), ["disconnecting", "idle"]);
  await canBeUsedAgain(protocol);
});

Deno.test("disconnect() of a running session is an orderly end at this side", async () => {
  const { peer, remote } = await runningPeer();
  const { signal, closed } = peer;
  await peer.disconnect();
  assertEquals(signal.reason.name, "AbortError");
  await closed;
  assertEquals((await remote.readable.getReader().read()).done, true);
  await remote.close();
});

Deno.test("two concurrent disconnects have one outcome", async () => {
  const { peer, remote } = await runningPeer();
  const states = recordRunstates(peer);
  await remote.close();
  await peer.closed.catch(() => {});
  const outcomes = await Promise.allSettled([
    peer.disconnect(),
    peer.disconnect(),
  ]);
  const reasons = outcomes.map((outcome) =>
    outcome.status === "rejected" && outcome.reason
  );
  assertInstanceOf(reasons[0], EndOfStreamError);
  assertStrictEquals(reasons[1], reasons[0]);
  assertEquals(await states.stop(), ["disconnecting", "idle"]);
});

Deno.test("two concurrent disconnects of a running session both fulfil", async () => {
  const { peer, remote } = await runningPeer();
  const states = recordRunstates(peer);
  await Promise.all([peer.disconnect(), peer.disconnect()]);
  assertEquals(await states.stop(), ["disconnecting", "idle"]);
  await remote.close();
});

Deno.test("a disconnect() right after a failed attempt serves the next session", async () => {
  const protocol = new Lines();
  const [near, far] = memoryPair();
  const first = protocol.connect(silent);
  const ended = protocol.disconnect();
  await assertRejects(() => first, DOMException);
  await protocol.connect(near);
  await protocol.disconnect();
  assertEquals(protocol.runstate, Runstate.IDLE);
  await ended;
  await far.close();
});

Deno.test("connect() and accept() need idle, and change nothing otherwise", async () => {
  const protocol = new Lines();
  const attempt = protocol.connect(silent);
  const connecting = await assertRejects(
    () => protocol.accept(silent),
    StateError,
  );
  assertEquals(connecting.message, "Lines is currently connecting");
  assertEquals([connecting.state, connecting.required], ["connecting", "idle"]);
  const stopping = protocol.disconnect();
  const disconnecting = await assertRejects(
    () => protocol.connect(silent),
    StateError,
  );
  assertEquals(
    disconnecting.message,
    "Lines is disconnecting: call disconnect() to return to idle",
  );
  await assertRejects(() => attempt, DOMException);
  await stopping;

  const [near, far] = memoryPair();
  await protocol.connect(near);
  const running = await assertRejects(
    () => protocol.connect(silent),
    StateError,
  );
  assertEquals(running.message, "Lines is already connected and running");
  assertEquals(protocol.runstate, Runstate.RUNNING);
  await protocol.disconnect();
  await far.close();
});

Deno.test("send() and receive() require a session", async () => {
  const protocol = new Lines();
  await assertRejects(
    () => protocol.send("x"),
    StateError,
    "Lines is not connected",
  );
  await assertRejects(
    () => protocol.receive(),
    StateError,
    "Lines is not connected",
  );
  const [near, far] = memoryPair();
  await protocol.connect(near);
  await assertRejects(
    () => protocol.receive(),
    StateError,
    "already connected",
  );
  await protocol.disconnect();
  await far.close();
});

Deno.test("await using disconnects, and does not treat the peer's EOF as an error", async () => {
  const [near, far] = memoryPair();
  const protocol = new Lines();
  {
    await using session = protocol;
    await session.connect(near);
    await far.close();
    await session.closed.catch(() => {});
  }
  assertEquals(protocol.runstate, Runstate.IDLE);
});

Deno.test("await using throws any other cause of the session's end", async () => {
  const [near, far] = memoryPair();
  await assertRejects(async () => {
    await using protocol = new Lines();
    await protocol.connect(near);
    far.abort(new Error("power cut"));
    await protocol.closed.catch(() => {});
  }, Deno.errors.ConnectionReset);
});

Deno.test("runstateChanged() resolves with the state that is entered next", async () => {
  const protocol = new Lines();
  const changed = protocol.runstateChanged();
  const [near, far] = memoryPair();
  const connecting = protocol.connect(near);
  assertEquals(await changed, "connecting");
  await connecting;
  await protocol.disconnect();
  await far.close();
});

Deno.test("runstateChanged() and runstates() end with the signal's reason", async () => {
  const protocol = new Lines();
  const controller = new AbortController();
  const changed = protocol.runstateChanged({ signal: controller.signal });
  const states = protocol.runstates({ signal: controller.signal });
  const reason = new Error("enough");
  controller.abort(reason);
  assertStrictEquals(await changed.catch((error) => error), reason);
  assertStrictEquals(await states.next().catch((error) => error), reason);
  assertEquals((await states.next()).done, true);
});

Deno.test("runstateChanged() and runstates() with a signal aborted before end with its reason", async () => {
  const protocol = new Lines();
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  const changed = protocol.runstateChanged({ signal });
  assertStrictEquals(await changed.catch((error) => error), reason);
  const states = protocol.runstates({ signal });
  assertStrictEquals(await states.next().catch((error) => error), reason);
  assertEquals((await states.next()).done, true);
});

Deno.test("before its first session a protocol's signal is aborted and closed is fulfilled", async () => {
  const protocol = new Lines();
  assert(protocol.signal.aborted);
  assertInstanceOf(protocol.signal.reason, StateError);
  await protocol.closed;
});

Deno.test("inspection shows the class, the name and the runstate", async () => {
  const [near, far] = memoryPair();
  await using protocol = new Lines({ name: "x" });
  assertEquals(Deno.inspect(protocol), '<Lines name="x" runstate=idle>');
  assertEquals(Deno.inspect(new Lines()), "<Lines runstate=idle>");
  await protocol.connect(near);
  assertEquals(Deno.inspect(protocol), '<Lines name="x" runstate=running>');
  await far.close();
});
