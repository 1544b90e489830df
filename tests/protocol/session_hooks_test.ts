import {
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
  QueueLimitError,
  reconnecting,
} from "../../protocol/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { write } from "../support/protocol/session.ts";
import { logged, textOf } from "../support/protocol/logged.ts";
import { serveLines } from "../support/protocol/reconnected.ts";
import { turns } from "../support/turns.ts";

/** Records the hooks that are called, and the runstate. */
class Recorder extends AsyncProtocol<string> {
  readonly calls: unknown[] = [];
  leaving: (reason: unknown) => void = () => {};
  negotiation: () => void | Promise<void> = () => {};
  starting: () => void | Promise<void> = () => {};
  ending: (cause: unknown) => void = () => {};

  protected override createCodec(): Codec<string> {
    return lines();
  }
  protected override async negotiate(): Promise<void> {
    this.calls.push("negotiate");
    await this.negotiation();
  }
  protected override onSessionStart(): void | Promise<void> {
    this.calls.push(`start ${this.runstate}`);
    return this.starting();
  }
  protected override onMessage(line: string): void {
    this.calls.push(line);
    if (line === "fail") throw new Error("asked to fail");
  }
  protected override onSessionEnd(cause: unknown): void {
    this.calls.push(`end ${this.runstate} ${this.signal.aborted}`, cause);
    return this.ending(cause);
  }
  protected override onDisconnect(reason: unknown): void {
    this.calls.push(`disconnect ${this.runstate}`, reason);
    return this.leaving(reason);
  }
  override send(line: string): Promise<void> {
    return super.send(line);
  }
}

Deno.test("onSessionStart() is called before the messages, and onSessionEnd() with the cause of the end", async () => {
  const protocol = new Recorder();
  for (const end of ["disconnect", "reason", "peer", "failure"] as const) {
    protocol.calls.length = 0;
    const [near, far] = memoryPair();
    await write(far, "early\n");
    await protocol.connect(near);
    await turns();
    const reason = new Error("watchdog");
    if (end === "disconnect") await protocol.disconnect();
    else if (end === "reason") await protocol.disconnect({ reason });
    else if (end === "peer") await far.close();
    else await write(far, "fail\n");
    await protocol.closed.catch(() => {});
    const cause = protocol.signal.reason;
    await protocol.disconnect().catch(() => {});
    assertEquals(protocol.calls, [
      "negotiate",
      "start running",
      "early",
      ...(end === "failure" ? ["fail"] : []),
      ...(end === "disconnect" ? ["disconnect running", undefined] : []),
      ...(end === "reason" ? ["disconnect running", reason] : []),
      "end disconnecting true",
      cause,
    ]);
    assertStrictEquals(protocol.calls.at(-1), cause);
    if (end === "reason") assertStrictEquals(cause, reason);
    if (end === "peer") assertInstanceOf(cause, EndOfStreamError);
    far.abort();
  }
});

Deno.test("messages wait until onSessionStart() settles", async () => {
  const [near, far] = memoryPair();
  const protocol = new Recorder();
  const gate = Promise.withResolvers<void>();
  protocol.starting = () => gate.promise;
  await write(far, "early\n");
  await protocol.connect(near);
  await turns();
  assertEquals(protocol.calls, ["negotiate", "start running"]);
  await protocol.send("welcome");
  gate.resolve();
  await turns();
  assertEquals(protocol.calls, ["negotiate", "start running", "early"]);
  await protocol.disconnect();
  await far.close();
});

Deno.test("an error in onSessionStart() ends the session", async () => {
  const error = new Error("cannot start");
  for (
    const starting of [
      () => Promise.reject(error),
      () => {
        throw error;
      },
    ]
  ) {
    const [near, far] = memoryPair();
    const protocol = new Recorder();
    protocol.starting = starting;
    await protocol.connect(near);
    assertStrictEquals(await rejection(protocol.closed), error);
    assertStrictEquals(await rejection(protocol.disconnect()), error);
    far.abort();
  }
});

Deno.test("an onSessionStart() that disconnects is not a failure", async () => {
  const [near, far] = memoryPair();
  const protocol = new Recorder();
  await write(far, "early\n");
  protocol.starting = () => protocol.disconnect();
  await protocol.connect(near);
  await protocol.closed;
  await turns();
  assertEquals(protocol.runstate, "idle");
  assertEquals(protocol.calls.slice(0, 5), [
    "negotiate",
    "start running",
    "disconnect running",
    undefined,
    "end disconnecting true",
  ]);
  assertEquals(protocol.calls.length, 6);
  await far.close();
});

Deno.test("an abort of the signal of connect() within onSessionStart() is too late to end the session", async () => {
  const [near, far] = memoryPair();
  const protocol = new Recorder();
  const controller = new AbortController();
  protocol.starting = () => controller.abort(new Error("enough"));
  await protocol.connect(near, controller);
  assertEquals(protocol.runstate, "running");
  await protocol.disconnect();
  await far.close();
});

Deno.test("an error in onSessionEnd() is logged, and changes nothing", async () => {
  const [near, far] = memoryPair();
  const protocol = new Recorder();
  protocol.ending = () => {
    throw new Error("cannot end");
  };
  await protocol.connect(near);
  await protocol.disconnect();
  await protocol.closed;
  assertEquals(protocol.runstate, "idle");
  await far.close();
});

Deno.test("if the negotiation fails, neither onSessionStart() nor onSessionEnd() is called", async () => {
  const protocol = new Recorder();
  await assertRejects(() => protocol.connect(memory()), ConnectError);
  protocol.negotiation = () => Promise.reject(new Error("wrong version"));
  const [near, far] = memoryPair();
  await assertRejects(() => protocol.connect(near), ConnectError);
  assertEquals(protocol.calls, ["negotiate"]);
  far.abort();
});

Deno.test("onDisconnect() says goodbye behind what was sent, once, and only to a running session", async () => {
  const protocol = new Recorder();
  protocol.leaving = () => void protocol.send("bye");
  await protocol.disconnect(); // it is idle
  const [near, far] = memoryPair();
  await protocol.connect(near);
  await turns();
  protocol.send("first");
  protocol.calls.length = 0;
  await Promise.all([protocol.disconnect(), protocol.disconnect()]);
  assertEquals(protocol.calls.slice(0, 2), ["disconnect running", undefined]);
  assertEquals(await new Response(far.readable).text(), "first\nbye\n");
  await far.close();
  assertEquals(protocol.calls.filter((call) => `${call}`.startsWith("disc")), [
    "disconnect running",
  ]);
});

Deno.test("an error of onDisconnect() does not keep the session from its orderly end", async () => {
  const protocol = new Recorder();
  protocol.leaving = () => {
    throw new Error("no goodbye");
  };
  const [near, far] = memoryPair();
  await protocol.connect(near);
  const { closed } = protocol;
  protocol.send("last");
  await protocol.disconnect();
  await closed;
  assertEquals(await new Response(far.readable).text(), "last\n");
  await far.close();
});

Deno.test("if onDisconnect() sends more than maxQueuedBytes allows, disconnect() rejects", async () => {
  const protocol = new Recorder({ maxQueuedBytes: 100 });
  protocol.leaving = () => void protocol.send("bye");
  const [near, far] = memoryPair({ highWaterMark: 10 });
  await protocol.connect(near);
  const { closed } = protocol;
  for (let n = 0; n < 2; n++) protocol.send("x".repeat(90));
  const error = await rejection(protocol.disconnect());
  assertInstanceOf(error, QueueLimitError);
  assertStrictEquals(await rejection(closed), error);
  assertEquals(protocol.runstate, "idle");
  far.abort();
});

Deno.test("the rejection of an async hook that nobody waits for is logged, and not unhandled", async () => {
  class Async extends Recorder {
    protected override onLastSessionEnd(): Promise<void> {
      return Promise.reject(new Error("last"));
    }
  }
  const records = await logged("debug", async () => {
    const transport = memory();
    await using _server = await serveLines(transport);
    for (const supervised of [false, true]) {
      const protocol = new Async();
      protocol.leaving = () => Promise.reject(new Error("leaving"));
      protocol.ending = () => Promise.reject(new Error("ending"));
      if (supervised) await reconnecting(protocol, transport).connected();
      else await protocol.connect(transport);
      await protocol.disconnect();
      await turns();
    }
  });
  const texts = records.map(textOf).join("\n");
  for (const hook of ["leaving", "ending", "last"]) {
    assertEquals(texts.split(`Error: ${hook}`).length - 1, 2, texts);
  }
});

Deno.test("a supervised session that is disposed of says goodbye", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const protocol = new Recorder();
  protocol.leaving = () => void protocol.send("bye");
  {
    await using connection = reconnecting(protocol, transport);
    await connection.connected();
  }
  const far = await listener.accept();
  assertEquals(await new Response(far.readable).text(), "bye\n");
  await far.close();
  await listener.close();
});
