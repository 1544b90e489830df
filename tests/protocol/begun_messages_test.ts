/** Tests of messages of which the codec has consumed a part. */
import { assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import {
  AsyncProtocol,
  type Codec,
  lines,
  sequential,
  serve,
} from "../../protocol/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import { write } from "../support/protocol/session.ts";
import { settled } from "../support/turns.ts";
import { VirtualTime } from "../support/virtual_time.ts";

const MIB = 1024 * 1024;

/** Lines up to one of a dot, each consumed as soon as it is whole. */
function paragraphs(): Codec<string> {
  return sequential<string>({
    *decode(input) {
      const text: string[] = [];
      for (;;) {
        yield 1;
        let end = input.indexOf(0x0a);
        while (end < 0) {
          yield input.length + 1;
          end = input.indexOf(0x0a);
        }
        const line = new TextDecoder().decode(input.take(end + 1, 0, end));
        if (line === ".") return text.join(" ");
        text.push(line);
      }
    },
    encode(message, output) {
      output.text(`${message}\n.\n`);
    },
  }, { maxMessageBytes: 10 * MIB });
}

class Receiving extends AsyncProtocol<string> {
  readonly received: [message: string, bytes: number][] = [];

  goOnWith(codec: Codec<string>): void {
    this.useCodec(codec);
  }
  protected override createCodec(): Codec<string> {
    return paragraphs();
  }
  protected override onMessage(message: string, bytes: number): void {
    this.received.push([message, bytes]);
  }
}

Deno.test("the size of a message counts what was consumed before its end came", async () => {
  const [near, far] = memoryPair();
  await using receiving = new Receiving();
  await receiving.connect(near);
  for (const part of ["one\nt", "wo\n.\nthr", "ee\n", ".\nfour\n"]) {
    await write(far, part);
    await settled();
  }
  assertEquals(receiving.received, [["one two", 10], ["three", 8]]);
});

Deno.test("useCodec() is refused while a message is incomplete of which a part was consumed", async () => {
  const [near, far] = memoryPair();
  await using receiving = new Receiving();
  await receiving.connect(near);
  await write(far, "one\ntw");
  await settled();
  assertThrows(
    () => receiving.goOnWith(lines()),
    Error,
    "Cannot use the codec: 4 bytes of a message are decoded by the other one",
  );
  await write(far, "o\n.\n");
  await settled();
  receiving.goOnWith(lines());
  await write(far, "one\n");
  await settled();
  assertEquals(receiving.received, [["one two", 10], ["one", 4]]);
});

Deno.test("shutdown() waits for the rest of a message of which a part was consumed", async () => {
  const transport = memory();
  const session = new Receiving();
  const server = serve(await transport.listen(), () => session);
  const connection = await transport.connect();
  await settled();
  await write(connection, "one\n");
  await settled();
  const shutdown = server.shutdown();
  await settled();
  assertEquals(session.runstate, "running");
  await write(connection, ".\n");
  await shutdown;
  assertEquals(session.received, [["one", 6]]);
  await connection.close();
});

Deno.test("consumed parts of incomplete messages count towards a server's maxQueuedBytes", async () => {
  using time = new VirtualTime();
  const transport = memory();
  const sessions: Receiving[] = [];
  const server = serve(await transport.listen(), () => {
    const session = new Receiving();
    sessions.push(session);
    return session;
  }, { maxQueuedBytes: MIB });
  const writes = [];
  for (let n = 0; n < 3; n++) {
    const connection = await transport.connect();
    const parts = `${"x".repeat(1023)}\n`.repeat(5 * 1024);
    writes.push(write(connection, parts).catch(() => {}));
  }
  await settled();
  const received = sessions
    .map(({ stats }) => stats.bytesReceived)
    .reduce((sum, bytes) => sum + bytes);
  console.log(`received of three incomplete messages: ${received} bytes`);
  assertLessOrEqual(received, 2 * MIB + 3 * 64 * 1024);
  for (let n = 0; n < 3; n++) {
    time.pass(1_000);
    await settled();
  }
  assertLessOrEqual(server.sessions.size, 1);
  await server.shutdown({ signal: AbortSignal.abort() });
  await Promise.all(writes);
});
