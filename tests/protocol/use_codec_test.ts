import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  AsyncProtocol,
  type Codec,
  contentLength,
  DecodeError,
  jsonLines,
  lengthPrefixed,
  lines,
  StateError,
  text,
} from "../../protocol/mod.ts";
import { memoryPair } from "../../transports/mod.ts";
import { bytes } from "../../testing/_codec_checks/decoding.ts";

type Message = string | Uint8Array;

/** Speaks lines until the line `binary`, then length-prefixed frames. */
class Upgrading extends AsyncProtocol<Message> {
  readonly received: Message[] = [];
  greeting = "";

  goOnWith(codec: Codec<Message>): void {
    this.useCodec(codec);
  }

  override send(message: Message): Promise<void> {
    return super.send(message);
  }

  protected override createCodec(): Codec<Message> {
    return lines();
  }

  protected override async negotiate(): Promise<void> {
    this.greeting = `${await this.receive()}`;
    if (this.greeting === "binary") this.useCodec(lengthPrefixed());
  }

  protected override onMessage(message: Message): void {
    this.received.push(message);
    if (message === "binary") this.useCodec(lengthPrefixed());
  }
}

/** The messages received from bytes in chunks, and the bytes sent back. */
async function talk(
  chunks: Uint8Array[],
  answers: Message[] = [],
): Promise<{ upgrading: Upgrading; sent: Uint8Array }> {
  const [near, far] = memoryPair();
  await using upgrading = new Upgrading();
  const connecting = upgrading.connect(near);
  const writer = far.writable.getWriter();
  for (const chunk of chunks) await writer.write(chunk);
  await connecting;
  for (const answer of answers) await upgrading.send(answer);
  await writer.close();
  await upgrading.closed.catch(() => {});
  const sent = await new Response(far.readable).bytes();
  await far.close();
  return { upgrading, sent };
}

const frame = [0, 0, 0, 3, 1, 10, 2];

Deno.test("useCodec() in onMessage() leaves the bytes behind the message to the new codec", async () => {
  const input = Uint8Array.of(...bytes("hello\none\nbinary\n"), ...frame);
  const expected = ["one", "binary", Uint8Array.of(1, 10, 2)];
  for (let cut = 0; cut <= input.length; cut++) {
    const { upgrading } = await talk([
      input.subarray(0, cut),
      input.subarray(cut),
    ]);
    assertEquals(upgrading.greeting, "hello");
    assertEquals(upgrading.received, expected);
  }
});

Deno.test("useCodec() in negotiate() holds for the messages after it", async () => {
  const input = Uint8Array.of(...bytes("binary\n"), ...frame, ...frame);
  const { upgrading, sent } = await talk([input], [Uint8Array.of(7)]);
  const message = Uint8Array.of(1, 10, 2);
  assertEquals(upgrading.received, [message, message]);
  assertEquals(sent, Uint8Array.of(0, 0, 0, 1, 7));
});

Deno.test("useCodec() does not change messages that are encoded already", async () => {
  const [near, far] = memoryPair();
  await using upgrading = new Upgrading();
  const connecting = upgrading.connect(near);
  const writer = far.writable.getWriter();
  await writer.write(bytes("hello\n"));
  await connecting;
  upgrading.send("goes on in frames");
  upgrading.goOnWith(lengthPrefixed());
  upgrading.send(Uint8Array.of(7));
  await upgrading.disconnect();
  assertEquals(
    await new Response(far.readable).bytes(),
    Uint8Array.of(...bytes("goes on in frames\n"), 0, 0, 0, 1, 7),
  );
  await far.close();
});

Deno.test("useCodec() with a codec that refuses the bytes ends the session", async () => {
  const [near, far] = memoryPair();
  const upgrading = new Upgrading();
  const connecting = upgrading.connect(near);
  const writer = far.writable.getWriter();
  await writer.write(bytes("hello\n"));
  await connecting;
  upgrading.goOnWith(jsonLines<Message>());
  await writer.write(bytes("no JSON\n"));
  await assertRejects(() => upgrading.closed, DecodeError, "offset 6");
  await assertRejects(() => upgrading.disconnect(), DecodeError);
  await far.close();
});

Deno.test("useCodec() lasts for one session", async () => {
  const upgrading = new Upgrading();
  for (let session = 0; session < 2; session++) {
    const [near, far] = memoryPair();
    const connecting = upgrading.connect(near);
    const writer = far.writable.getWriter();
    await writer.write(Uint8Array.of(...bytes("binary\n"), ...frame));
    await connecting;
    await upgrading.disconnect();
    await far.close();
    assertEquals(upgrading.greeting, "binary");
  }
});

Deno.test("useCodec() is refused without a session", () => {
  const upgrading = new Upgrading();
  assertThrows(
    () => upgrading.goOnWith(lines()),
    StateError,
    "Upgrading is not connected",
  );
});

Deno.test("codecs that alternate on one stream each find their messages, whatever the chunks", async () => {
  const codecs: Codec<Message>[] = [
    lines(),
    text(contentLength()),
    lengthPrefixed(),
  ];
  const encoded = (codec: number, content: string) => {
    if (codec === 0) return `${content}\n`;
    if (codec === 1) {
      return `Content-Length: ${content.length}\r\n\r\n${content}`;
    }
    return `\0\0\0${String.fromCharCode(content.length)}${content}`;
  };

  /** Each message names the codec of the next one. */
  class Alternating extends AsyncProtocol<Message> {
    readonly received: string[] = [];
    protected override createCodec(): Codec<Message> {
      return codecs[0] ?? lines();
    }
    protected override onMessage(message: Message): void {
      const content = typeof message === "string"
        ? message
        : new TextDecoder().decode(message);
      this.received.push(content);
      this.useCodec(codecs[Number(content[0])] ?? lines());
    }
  }

  const next = fc.tuple(fc.nat(2), fc.stringMatching(/^[ -~]{0,20}$/));
  const property = fc.asyncProperty(
    fc.array(next, { maxLength: 20 }),
    fc.array(fc.nat(40), { maxLength: 10 }),
    async (messages, cuts) => {
      let codec = 0;
      let stream = "";
      const expected: string[] = [];
      for (const [following, content] of messages) {
        expected.push(`${following}${content}`);
        stream += encoded(codec, `${following}${content}`);
        codec = following;
      }
      const [near, far] = memoryPair();
      await using alternating = new Alternating();
      await alternating.connect(near);
      const writer = far.writable.getWriter();
      let rest = bytes(stream);
      for (const cut of [...cuts, rest.length]) {
        await writer.write(rest.subarray(0, cut));
        rest = rest.subarray(cut);
      }
      await writer.close();
      await alternating.closed.catch(() => {});
      await far.close();
      assertEquals(alternating.received, expected);
    },
  );
  await fc.assert(property, { numRuns: 200 });
});
