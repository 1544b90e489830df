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
} from "../../protocol/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { write } from "../support/session.ts";
import { turns } from "../support/turns.ts";

/** Records what is called, in which runstate. */
class Recorder extends AsyncProtocol<string> {
  readonly calls: unknown[] = [];
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
    this.ending(cause);
  }
  override send(line: string): Promise<void> {
    return super.send(line);
  }
}

Deno.test("a session tells its protocol of its start, before its messages, and of its end, with the cause", async () => {
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
      "end disconnecting true",
      cause,
    ]);
    assertStrictEquals(protocol.calls.at(-1), cause);
    if (end === "reason") assertStrictEquals(cause, reason);
    if (end === "peer") assertInstanceOf(cause, EndOfStreamError);
    far.abort();
  }
});

Deno.test("messages wait for what the start of a session waits for", async () => {
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

Deno.test("a start that fails ends the session with its error", async () => {
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

Deno.test("a start that ends its session itself is not a failure", async () => {
  const [near, far] = memoryPair();
  const protocol = new Recorder();
  await write(far, "early\n");
  protocol.starting = () => protocol.disconnect();
  await protocol.connect(near);
  await protocol.closed;
  await turns();
  assertEquals(protocol.runstate, "idle");
  assertEquals(protocol.calls.slice(0, 3), [
    "negotiate",
    "start running",
    "end disconnecting true",
  ]);
  assertEquals(protocol.calls.length, 4);
  await far.close();
});

Deno.test("an end that throws is logged, and changes nothing", async () => {
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

Deno.test("a session that does not come about has neither a start nor an end", async () => {
  const protocol = new Recorder();
  await assertRejects(() => protocol.connect(memory()), ConnectError);
  protocol.negotiation = () => Promise.reject(new Error("wrong version"));
  const [near, far] = memoryPair();
  await assertRejects(() => protocol.connect(near), ConnectError);
  assertEquals(protocol.calls, ["negotiate"]);
  far.abort();
});
