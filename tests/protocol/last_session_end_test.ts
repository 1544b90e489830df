import { assertEquals, assertInstanceOf } from "@std/assert";
import { ConnectError, lines, Peer, reconnecting } from "../../protocol/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { turns } from "../support/turns.ts";
import {
  atOnce,
  cutSessions,
  serveLines,
} from "../support/protocol/reconnected.ts";
import { silent } from "../support/transports/silent_transport.ts";
import { failing } from "../support/transports/failing_transport.ts";

/** Records the ends of its sessions, and does not retry a wrong password. */
class Lasting extends Peer<string> {
  readonly ends: unknown[] = [];
  leaving = () => {};
  ending = () => {};
  protected override onDisconnect(): void {
    this.leaving();
  }
  protected override onSessionEnd(cause: unknown): void {
    super.onSessionEnd(cause);
    this.ends.push("session");
    this.ending();
  }
  protected override onLastSessionEnd(cause: unknown): void {
    this.ends.push(cause);
  }
  protected override isRetriable(error: unknown): boolean {
    const refused = error instanceof Error &&
      error.message === "wrong password";
    return !refused && super.isRetriable(error);
  }
}

Deno.test("onLastSessionEnd() is called with each session's end, if nothing reconnects", async () => {
  const client = new Lasting({ codec: lines });
  for (let n = 0; n < 2; n++) {
    const [near, far] = memoryPair();
    await client.connect(near);
    await far.close();
    const cause = await rejection(client.closed);
    assertEquals(client.ends.splice(0), ["session", cause]);
    await client.disconnect().catch(() => {});
  }
});

Deno.test("onLastSessionEnd() is not called while reconnecting() goes on, and once when it is stopped", async () => {
  const transport = memory();
  await using server = await serveLines(transport);
  // Also a session that began before is not the last one.
  const client = new Lasting({ codec: lines });
  await client.connect(transport);
  const connection = reconnecting(client, transport, atOnce);
  for (let n = 0; n < 2; n++) {
    await connection.connected();
    await turns(); // until the server knows the session
    await cutSessions(server, client);
  }
  await connection.connected();
  assertEquals(client.ends, ["session", "session"]);
  await connection[Symbol.asyncDispose]();
  const { reason } = client.signal;
  assertEquals(client.ends, ["session", "session", "session", reason]);

  // Nothing reconnects after the next session, so its end is the last.
  await client.connect(transport);
  await turns();
  await cutSessions(server, client);
  assertEquals(client.ends.length, 6);
  await client.disconnect().catch(() => {});
});

Deno.test("onLastSessionEnd() is called when the protocol is disconnected while it is reconnected", async () => {
  const transport = memory();
  await using _server = await serveLines(transport);
  const client = new Lasting({ codec: lines });
  const connection = reconnecting(client, transport, atOnce);
  await connection.connected();
  const reason = new Error("enough");
  await client.disconnect({ reason });
  // An end with a reason is a failure, after which another session follows.
  await connection.connected();
  assertEquals(client.ends, ["session"]);
  await client.disconnect();
  await connection.closed;
  assertEquals(client.ends, ["session", "session", client.signal.reason]);
});

Deno.test("onLastSessionEnd() is called once, wherever disconnect() is called in a session's end", async () => {
  const moments: Record<string, (client: Lasting, end: () => void) => void> = {
    onDisconnect: (client, end) => client.leaving = end,
    signal: ({ signal }, end) => signal.addEventListener("abort", end),
    onSessionEnd: (client, end) => client.ending = end,
  };
  for (const [moment, at] of Object.entries(moments)) {
    const enders = moment === "onDisconnect" ? ["user"] : ["user", "peer"];
    for (const ender of enders) {
      const transport = memory();
      await using server = await serveLines(transport);
      const client = new Lasting({ codec: lines });
      const connection = reconnecting(client, transport, atOnce);
      await connection.connected();
      at(client, () => void client.disconnect().catch(() => {}));
      await turns(); // until the server knows the session
      if (ender === "peer") await cutSessions(server, client);
      else await client.disconnect();
      await connection.closed;
      const { reason } = client.signal;
      assertEquals(
        client.ends,
        ["session", reason],
        `${moment}, ended by the ${ender}`,
      );
    }
  }
});

Deno.test("onLastSessionEnd() is called before a protocol can be connected by hand", async () => {
  const refused = new Error("refused");
  for (const to of [silent, failing(refused)]) {
    const client = new Lasting({ codec: lines });
    const connection = reconnecting(client, to);
    await turns();
    const disconnected = client.disconnect();
    assertEquals(client.ends, [client.signal.reason]);
    await disconnected;
    const [near, far] = memoryPair();
    await client.connect(near);
    await connection.closed;
    assertEquals(client.ends.length, 1);
    await client.disconnect();
    await far.close();
  }
});

Deno.test("onLastSessionEnd() is called also if onSessionEnd() throws", async () => {
  const client = new Lasting({ codec: lines });
  client.ending = () => {
    throw new Error("a mistake");
  };
  const [near, far] = memoryPair();
  await client.connect(near);
  await far.close();
  const cause = await rejection(client.closed);
  assertEquals(client.ends, ["session", cause]);
  await client.disconnect().catch(() => {});
});

Deno.test("a protocol says which errors are not worth another attempt, unless the policy decides", async () => {
  const refusals = [new Error("not yet"), new Error("wrong password")];
  const client = new Lasting({ codec: lines });
  const to = failing(...refusals);
  const connection = reconnecting(client, to, atOnce);
  const error = await rejection(connection.closed);
  assertInstanceOf(error, ConnectError);
  assertEquals([error.cause, to.attempts], [refusals[1], 2]);
  assertEquals(client.ends, [error]);

  const again = failing(...refusals, new Error("other"));
  const policy = { ...atOnce, maxAttempts: 3, isRetriable: () => true };
  await rejection(reconnecting(client, again, policy).closed);
  assertEquals(again.attempts, 3);
});

Deno.test("an onLastSessionEnd() that throws does not hide the failure", async () => {
  class Throwing extends Lasting {
    protected override onLastSessionEnd(cause: unknown): void {
      super.onLastSessionEnd(cause);
      throw new Error("a mistake");
    }
  }
  const client = new Throwing({ codec: lines });
  const to = failing(new Error("wrong password"));
  const error = await rejection(reconnecting(client, to, atOnce).closed);
  assertEquals(client.ends, [error]);
});
