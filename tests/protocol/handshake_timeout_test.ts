import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ConnectError, lines, Peer, serve } from "../../protocol/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { write } from "../support/protocol/session.ts";
import { turns } from "../support/turns.ts";
import { VirtualTime } from "../support/virtual_time.ts";

/** Waits for a greeting. */
class Greeted extends Peer<string> {
  protected override async negotiate(): Promise<void> {
    await this.receive();
  }
}

/** Ignores everything, its signal included. */
class Stuck extends Peer<string> {
  protected override negotiate(): Promise<void> {
    return new Promise(() => {});
  }
}

for (const [name, Protocol] of Object.entries({ Greeted, Stuck })) {
  Deno.test(`connecting to a peer that answers nothing fails after handshakeTimeout: ${name}`, async () => {
    using time = new VirtualTime();
    for (const handshakeTimeout of [undefined, 300]) {
      const limit = handshakeTimeout ?? 10_000;
      const [near, far] = memoryPair();
      const peer = new Protocol({ codec: lines, handshakeTimeout });
      const connecting = rejection(peer.connect(near));
      await turns();
      time.pass(limit - 1);
      await turns();
      assertEquals(peer.runstate, "connecting");
      time.pass(1);
      const error = await connecting;
      assertInstanceOf(error, ConnectError);
      assertInstanceOf(error.cause, DOMException);
      assertEquals(error.cause.name, "TimeoutError");
      assertStringIncludes(error.cause.message, "negotiate()");
      assertStringIncludes(
        error.cause.message,
        `handshakeTimeout of ${limit} ms`,
      );
      assertStringIncludes(error.message, error.cause.message);
      assertEquals(peer.runstate, "idle");
      assertEquals(time.waiting, 0);
      far.abort();
    }
  });
}

Deno.test("a negotiation in time leaves no timer, and the session is not limited", async () => {
  using time = new VirtualTime();
  const [near, far] = memoryPair();
  const peer = new Greeted({ codec: lines });
  await Promise.all([peer.connect(near), write(far, "hello\n")]);
  assertEquals(time.waiting, 0);
  time.pass(20_000);
  assertEquals(peer.runstate, "running");
  await peer.disconnect();
  await far.close();
});

Deno.test("a negotiation without a limit is possible", async () => {
  using time = new VirtualTime();
  const [near, far] = memoryPair();
  const peer = new Greeted({ codec: lines, handshakeTimeout: Infinity });
  const connecting = peer.connect(near);
  await turns();
  assertEquals(time.waiting, 0);
  await write(far, "hello\n");
  await connecting;
  await peer.disconnect();
  await far.close();
});

Deno.test("a server ends the session of a silent client after handshakeTimeout", async () => {
  using time = new VirtualTime();
  const transport = memory();
  const errors: unknown[] = [];
  const server = serve(
    await transport.listen(),
    () => new Greeted({ codec: lines }),
    { onError: (error) => errors.push(error) },
  );
  const connection = await transport.connect();
  await turns();
  time.pass(10_000);
  await assertRejects(() => connection.read(new Uint8Array(1)));
  await turns();
  assertInstanceOf(errors[0], ConnectError);
  await server.shutdown();
});

Deno.test("a handshakeTimeout that is out of range is refused", () => {
  for (const handshakeTimeout of [-1, NaN]) {
    assertThrows(
      () => new Peer({ codec: lines, handshakeTimeout }),
      RangeError,
      `handshakeTimeout is ${handshakeTimeout}`,
    );
  }
});
