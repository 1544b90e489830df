import {
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertLessOrEqual,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  AsyncProtocol,
  type AsyncProtocolOptions,
  type Codec,
  ConnectError,
  IdleTimeoutError,
  lines,
  Peer,
  serve,
} from "../../protocol/mod.ts";
import { type Connection, memory, memoryPair } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { write } from "../support/protocol/session.ts";
import { turns } from "../support/turns.ts";
import { VirtualTime } from "../support/virtual_time.ts";

/** Pings a silent peer. */
class Pinging extends AsyncProtocol<string> {
  pings = 0;
  ping: () => void | Promise<void> = () => void this.send("ping");

  protected override createCodec(): Codec<string> {
    return lines();
  }
  protected override keepAlive(): void | Promise<void> {
    this.pings++;
    return this.ping();
  }
  handle: () => void | Promise<void> = () => {};

  protected override onMessage(): void | Promise<void> {
    return this.handle();
  }
  override send(line: string): Promise<void> {
    return super.send(line);
  }
  override flush(): Promise<void> {
    return super.flush();
  }
  /** Counts bytes that the program keeps, or fewer if negative. */
  keep(bytes: number): void {
    if (bytes > 0) this.budget.take(bytes);
    else this.budget.release(-bytes);
  }
  override end(): Promise<void> {
    return super.end();
  }
}

async function connected(
  options: AsyncProtocolOptions,
): Promise<{ protocol: Pinging; remote: Connection }> {
  const [near, remote] = memoryPair();
  const protocol = new Pinging(options);
  await protocol.connect(near);
  return { protocol, remote };
}

/** Advances time in small steps, and runs all pending work in each. */
async function pass(time: VirtualTime, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 25) {
    time.pass(25);
    await turns();
  }
}

Deno.test("a session in which no byte goes either way ends with an IdleTimeoutError", async () => {
  using time = new VirtualTime();
  const { protocol, remote } = await connected({ idleTimeout: 1_000 });
  await pass(time, 975);
  assertEquals(protocol.runstate, "running");
  await pass(time, 25);
  const cause = await rejection(protocol.closed);
  assertInstanceOf(cause, IdleTimeoutError);
  assertEquals(cause.idleTimeout, 1_000);
  assertEquals(
    cause.message,
    "Session was idle: no byte has gone either way for an idleTimeout of 1000 ms",
  );
  // The peer sees an orderly end.
  assertEquals(await remote.read(new Uint8Array(1)), null);
  assertStrictEquals(await rejection(protocol.disconnect()), cause);
  await remote.close();
  assertEquals(time.waiting, 0);
});

Deno.test("bytes keep a session alive, whichever way they go", async () => {
  using time = new VirtualTime();
  const { protocol, remote } = await connected({ idleTimeout: 1_000 });
  const space = new Uint8Array(100);
  for (let n = 0; n < 5; n++) {
    await pass(time, 900);
    if (n % 2) await write(remote, "x"); // Half a message is enough.
    else {
      protocol.send("y");
      await remote.read(space);
    }
  }
  assertEquals(protocol.runstate, "running");
  await pass(time, 1_250);
  assertInstanceOf(await rejection(protocol.closed), IdleTimeoutError);
  await protocol.disconnect().catch(() => {});
  await remote.close();
});

Deno.test("a session that is idle ends within a quarter more than idleTimeout", async () => {
  using time = new VirtualTime();
  const { protocol, remote } = await connected({ idleTimeout: 1_000 });
  await pass(time, 125);
  await write(remote, "x\n");
  let ms = 0;
  while (!protocol.signal.aborted) {
    await pass(time, 25);
    ms += 25;
  }
  assertGreater(ms, 999);
  assertLessOrEqual(ms, 1_250);
  await protocol.disconnect().catch(() => {});
  await remote.close();
});

Deno.test("a session whose peer stops reading becomes idle", async () => {
  using time = new VirtualTime();
  const { protocol, remote } = await connected({
    idleTimeout: 1_000,
    closeTimeout: 100,
  });
  protocol.send("x".repeat(1_000_000));
  await pass(time, 1_250);
  assertInstanceOf(protocol.signal.reason, IdleTimeoutError);
  await pass(time, 100);
  assertInstanceOf(await rejection(protocol.closed), IdleTimeoutError);
  await protocol.disconnect().catch(() => {});
  await remote.close();
});

Deno.test("a silent peer is pinged after each keepAliveInterval", async () => {
  using time = new VirtualTime();
  const { protocol, remote } = await connected({ keepAliveInterval: 1_000 });
  await pass(time, 975);
  assertEquals(protocol.pings, 0);
  await pass(time, 25);
  assertEquals(protocol.pings, 1);
  const space = new Uint8Array(100);
  assertEquals(await remote.read(space), 5);
  await pass(time, 1_000);
  assertEquals(protocol.pings, 2);
  // Only the bytes of the peer are a sign of life, not ours.
  protocol.send("y");
  await pass(time, 800);
  await write(remote, "x");
  await pass(time, 900);
  assertEquals(protocol.pings, 2);
  await protocol.disconnect();
  await remote.close();
  assertEquals(time.waiting, 0);
});

Deno.test("a peer is not pinged for a silence in which a handler holds the reader", async () => {
  using time = new VirtualTime();
  const { protocol, remote } = await connected({ keepAliveInterval: 1_000 });
  const handled = Promise.withResolvers<void>();
  protocol.handle = () => handled.promise;
  await write(remote, "question\n");
  await turns();
  await write(remote, "and more\n");
  await pass(time, 5_000);
  assertEquals(protocol.pings, 0);
  handled.resolve();
  protocol.handle = () => {};
  await pass(time, 900);
  assertEquals(protocol.pings, 0);
  await pass(time, 350);
  assertEquals(protocol.pings, 1);
  await protocol.disconnect();
  await remote.close();
});

Deno.test("a peer is not pinged for a silence in which nobody takes what it says", async () => {
  using time = new VirtualTime();
  const { protocol, remote } = await connected({
    keepAliveInterval: 1_000,
    maxQueuedBytes: 100,
  });
  protocol.keep(101);
  await write(remote, "question\n");
  await pass(time, 5_000);
  assertEquals(protocol.pings, 0);
  protocol.keep(-101);
  await pass(time, 1_250);
  assertEquals(protocol.pings, 1);
  await protocol.disconnect();
  await remote.close();
});

Deno.test("a peer that does not read is pinged while a handler waits for it", async () => {
  for (const wait of ["send", "flush"] as const) {
    using time = new VirtualTime();
    const { protocol, remote } = await connected({
      keepAliveInterval: 1_000,
    });
    protocol.handle = async () => {
      const sent = protocol.send("x".repeat(1_000_000));
      await (wait === "send" ? sent : protocol.flush());
    };
    await write(remote, "question\n");
    await pass(time, 1_500);
    assertEquals(protocol.pings, 1);
    remote.abort();
    await protocol.disconnect().catch(() => {});
  }
});

Deno.test("with keepAliveDirection either, a peer is pinged while a handler holds the reader", async () => {
  using time = new VirtualTime();
  const { protocol, remote } = await connected({
    keepAliveInterval: 1_000,
    keepAliveDirection: "either",
  });
  const handled = Promise.withResolvers<void>();
  protocol.handle = () => handled.promise;
  await write(remote, "question\n");
  await pass(time, 1_500);
  assertEquals(protocol.pings, 1);
  handled.resolve();
  await protocol.disconnect();
  await remote.close();
});

Deno.test("with keepAliveDirection either, a peer that sends is pinged if nothing is sent to it", async () => {
  for (const keepAliveDirection of ["received", "either"] as const) {
    using time = new VirtualTime();
    const { protocol, remote } = await connected({
      keepAliveInterval: 1_000,
      keepAliveDirection,
    });
    const talk = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 100) {
        await write(remote, "x\n");
        await pass(time, 100);
      }
    };
    await talk(2_500);
    // A ping is itself sent, at the latest a quarter after the silence.
    assertEquals(protocol.pings, keepAliveDirection === "either" ? 2 : 0);
    protocol.ping = () => {};
    await pass(time, 500);
    protocol.send("y");
    protocol.pings = 0;
    await talk(900);
    assertEquals(protocol.pings, 0);
    await protocol.disconnect();
    await remote.close();
    assertEquals(time.waiting, 0);
  }
});

Deno.test("when no byte goes either way, keepAlive() is called once", async () => {
  using time = new VirtualTime();
  const { protocol, remote } = await connected({
    keepAliveInterval: 1_000,
    keepAliveDirection: "either",
  });
  protocol.ping = () => {};
  await pass(time, 1_000);
  assertEquals(protocol.pings, 1);
  await pass(time, 1_000);
  assertEquals(protocol.pings, 2);
  await protocol.disconnect();
  await remote.close();
});

Deno.test("a session is idle if its peer does not answer pings, and not if it does", async () => {
  for (const answers of [true, false]) {
    using time = new VirtualTime();
    const { protocol, remote } = await connected({
      idleTimeout: 2_500,
      keepAliveInterval: 1_000,
    });
    const reading = (async () => {
      const space = new Uint8Array(100);
      while (await remote.read(space).catch(() => null) !== null) {
        if (answers) await write(remote, "pong\n");
      }
    })();
    await pass(time, 5_000);
    assertEquals(protocol.signal.aborted, !answers);
    if (!answers) {
      assertInstanceOf(await rejection(protocol.closed), IdleTimeoutError);
    }
    await protocol.disconnect().catch(() => {});
    await reading;
    await remote.close();
  }
});

Deno.test("pings to a peer that does not read do not keep it alive", async () => {
  using time = new VirtualTime();
  const { protocol, remote } = await connected({
    idleTimeout: 2_500,
    keepAliveInterval: 1_000,
    closeTimeout: 0,
  });
  protocol.send("x".repeat(1_000_000));
  await turns();
  await pass(time, 2_500 * 1.25);
  assertInstanceOf(protocol.signal.reason, IdleTimeoutError);
  await pass(time, 25);
  await protocol.disconnect().catch(() => {});
  await remote.close();
});

Deno.test("a ping is not sent again while it waits for its answer, and a failed ping ends the session", async () => {
  using time = new VirtualTime();
  const { protocol, remote } = await connected({ keepAliveInterval: 1_000 });
  const answer = Promise.withResolvers<void>();
  protocol.ping = () => answer.promise;
  await pass(time, 3_000);
  assertEquals(protocol.pings, 1);
  answer.resolve();
  const failure = new Error("no pong");
  protocol.ping = () => Promise.reject(failure);
  await pass(time, 1_000);
  assertEquals(protocol.pings, 2);
  assertStrictEquals(await rejection(protocol.closed), failure);
  await protocol.disconnect().catch(() => {});
  await remote.close();
  assertEquals(time.waiting, 0);
});

Deno.test("a session that has ended writing is not pinged, and gets its answer", async () => {
  using time = new VirtualTime();
  const { protocol, remote } = await connected({ keepAliveInterval: 100 });
  protocol.ping = () => protocol.send("ping");
  await protocol.end();
  await pass(time, 500);
  assertEquals([protocol.runstate, protocol.pings], ["running", 0]);
  await write(remote, "answer\n");
  await turns();
  assertEquals(protocol.stats.messagesReceived, 1);
  await protocol.disconnect();
  await remote.close();
});

Deno.test("a silent negotiation ends by idleTimeout, and is not pinged", async () => {
  using time = new VirtualTime();
  class Waiting extends Pinging {
    protected override async negotiate(): Promise<void> {
      await this.receive();
    }
  }
  const [near, far] = memoryPair();
  const protocol = new Waiting({ idleTimeout: 1_000, keepAliveInterval: 100 });
  const connecting = rejection(protocol.connect(near));
  await turns();
  await pass(time, 1_000);
  const error = await connecting;
  assertInstanceOf(error, ConnectError);
  assertInstanceOf(error.cause, IdleTimeoutError);
  assertEquals(protocol.pings, 0);
  far.abort();
});

Deno.test("an attempt that createCodec() aborts leaves no timer", async () => {
  using time = new VirtualTime();
  const controller = new AbortController();
  const options = {
    codec: () => {
      controller.abort(new Error("enough"));
      return lines();
    },
    idleTimeout: 100,
  };
  const [near] = memoryPair();
  const connecting = new Peer(options).connect(near, controller);
  assertStrictEquals(await rejection(connecting), controller.signal.reason);
  assertEquals(time.waiting, 0);
});

Deno.test("the shorter idleTimeout of server and protocol applies, and onError() gets the error", async () => {
  for (const [ofServer, ofProtocol] of [[500, 1_000], [1_000, 500]] as const) {
    using time = new VirtualTime();
    const transport = memory();
    const errors: unknown[] = [];
    const server = serve(
      await transport.listen(),
      () => new Peer({ codec: lines, idleTimeout: ofProtocol }),
      { idleTimeout: ofServer, onError: (error) => errors.push(error) },
    );
    const connection = await transport.connect();
    await turns();
    await pass(time, 500);
    assertEquals(await connection.read(new Uint8Array(1)), null);
    await connection.close();
    await server.shutdown();
    assertEquals(errors.length, 1);
    assertInstanceOf(errors[0], IdleTimeoutError);
    assertEquals(errors[0].idleTimeout, 500);
  }
});

Deno.test("a keepAliveDirection that is unknown is refused", () => {
  assertThrows(
    () => new Pinging({ keepAliveDirection: "sent" as never }),
    TypeError,
    'keepAliveDirection is "sent": it must be "received" or "either"',
  );
});

Deno.test("idleTimeout and keepAliveInterval that are out of range are refused", () => {
  for (const option of ["idleTimeout", "keepAliveInterval"]) {
    for (const value of [0, -1, NaN]) {
      assertThrows(
        () => new Pinging({ [option]: value }),
        RangeError,
        `${option} is ${value}`,
      );
    }
  }
});
