import { assertEquals, assertStringIncludes } from "@std/assert";
import { AsyncProtocol, type Codec, lines, Peer } from "../../protocol/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { logged, textOf } from "../support/protocol/logged.ts";
import { write } from "../support/protocol/session.ts";
import { turns } from "../support/turns.ts";
import { VirtualTime } from "../support/virtual_time.ts";

/** The warnings that are logged while the function runs. */
async function warnings(run: () => Promise<void>): Promise<string[]> {
  return (await logged("warning", run)).map(textOf);
}

/** A protocol whose handler a test can set. */
class Waiting extends AsyncProtocol<string> {
  handler: (line: string) => void | Promise<void> = () => {};
  protected override createCodec(): Codec<string> {
    return lines();
  }
  protected override onMessage(line: string): void | Promise<void> {
    return this.handler(line);
  }
  override send(line: string): Promise<void> {
    return super.send(line);
  }
}

Deno.test("a handler that waits for a later message is logged once, after 5 seconds", async () => {
  using time = new VirtualTime();
  const logged = await warnings(async () => {
    const [near, far] = memoryPair();
    const protocol = new Waiting();
    const answers: ((line: string) => void)[] = [];
    protocol.handler = async (line) => {
      if (line === "answer") return answers.shift()?.(line);
      await protocol.send("question");
      await new Promise<string>((resolve) => answers.push(resolve));
    };
    await protocol.connect(near);
    await write(far, "ask\nanswer\n");
    await turns();
    time.pass(4_999);
    await turns();
    time.pass(1);
    await turns();
    time.pass(60_000);
    await protocol.disconnect();
    await far.close();
  });
  assertEquals(logged.length, 1);
  assertStringIncludes(logged[0] ?? "", "onMessage() has not settled for 5 s");
  assertStringIncludes(logged[0] ?? "", "waits for ever");
  assertEquals(time.waiting, 0);
});

Deno.test("handlers that settle in time are not logged, however many there are", async () => {
  using time = new VirtualTime();
  const logged = await warnings(async () => {
    const [near, far] = memoryPair();
    const protocol = new Waiting();
    let gate = Promise.withResolvers<void>();
    protocol.handler = () => gate.promise;
    await protocol.connect(near);
    for (let n = 0; n < 10; n++) {
      gate = Promise.withResolvers();
      await write(far, "x\n");
      await turns();
      time.pass(3_000);
      await turns();
      gate.resolve();
      await turns();
    }
    // No timer is left when no handler runs.
    time.pass(5_000);
    assertEquals(time.waiting, 0);
    await protocol.disconnect();
    await far.close();
  });
  assertEquals(logged, []);
});

Deno.test("a reader held by backpressure is not logged: the peer does not read, or messages are not taken", async () => {
  using time = new VirtualTime();
  const logged = await warnings(async () => {
    const [near, far] = memoryPair();
    const protocol = new Waiting();
    protocol.handler = () => protocol.send("x".repeat(1_000_000));
    await protocol.connect(near);
    await write(far, "x\n");
    await turns();

    const [one, other] = memoryPair();
    const peer = new Peer({ codec: lines });
    await peer.connect(one);
    await write(other, "x\n".repeat(100));
    await turns();
    time.pass(60_000);
    await peer.disconnect();
    await other.close();

    far.abort();
    await turns();
    time.pass(0);
    await protocol.closed.catch(() => {});
    await protocol.disconnect().catch(() => {});
  });
  assertEquals(logged.filter((text) => text.includes("onMessage()")), []);
  assertEquals(time.waiting, 0);
});
