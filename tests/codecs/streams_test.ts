import { assertEquals, assertRejects } from "@std/assert";
import { toText } from "@std/streams";
import {
  DecodeError,
  decoderStream,
  delimited,
  encoderStream,
  jsonLines,
  jsonValues,
  lines,
  TruncatedMessageError,
} from "../../protocol/mod.ts";
import { bytes } from "../../testing/_codec_checks/decoding.ts";

function chunks(...texts: string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(texts.map(bytes));
}

/** The messages up to the end or the error, which is thrown behind them. */
async function collect<In>(stream: ReadableStream<In>, into: In[]) {
  for await (const message of stream) into.push(message);
}

Deno.test("decoderStream() decodes the messages in a stream of bytes", async () => {
  const stream = chunks('{"a"', ":1}\n[2]\n", "[3", "]\n");
  const messages = stream.pipeThrough(decoderStream(jsonLines()));
  assertEquals(await Array.fromAsync(messages), [{ a: 1 }, [2], [3]]);
});

Deno.test("decoderStream() decodes a message that the end of the stream completes", async () => {
  const stream = chunks("1 tr", "ue");
  const messages = stream.pipeThrough(decoderStream(jsonValues()));
  assertEquals(await Array.fromAsync(messages), [1, true]);
});

Deno.test("decoderStream() does not keep the chunks", async () => {
  const { readable, writable } = decoderStream(delimited(0));
  const reader = readable.getReader();
  const writer = writable.getWriter();
  const chunk = bytes("on");
  const first = reader.read();
  await writer.write(chunk);
  chunk.fill(0);
  await writer.write(bytes("e\0"));
  assertEquals(await first, { done: false, value: bytes("one") });
  await Promise.all([writer.close(), reader.closed]);
});

Deno.test("decoderStream() errors after the messages if the stream ends within a message", async () => {
  const messages: string[] = [];
  const stream = chunks("one\ntw").pipeThrough(decoderStream(lines()));
  const error = await assertRejects(
    () => collect(stream, messages),
    TruncatedMessageError,
    "Stream ended within a message: 2 bytes from offset 4",
  );
  assertEquals([error.offset, error.length], [4, 2]);
  assertEquals(messages, ["one"]);
});

Deno.test("decoderStream() errors at a malformed message and cancels its source", async () => {
  let cancelled: unknown;
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(bytes("1\n}\n")),
    cancel: (reason) => void (cancelled = reason),
  });
  const stream = source.pipeThrough(decoderStream(jsonLines()));
  const error = await assertRejects(() => collect(stream, []), DecodeError);
  assertEquals(cancelled, error);
});

Deno.test("decoderStream() errors if decode() returns a message and consumes nothing", async () => {
  let left = 10;
  const codec = {
    decode: () => left-- > 0 ? "again" : undefined,
    encode: () => {},
  };
  const stream = chunks("one").pipeThrough(decoderStream(codec));
  await assertRejects(() => Array.fromAsync(stream), Error, "Cannot decode: ");
});

Deno.test("encoderStream() encodes a stream of messages", async () => {
  const stream = ReadableStream.from(["é", "two"])
    .pipeThrough(encoderStream(lines()));
  assertEquals(await toText(stream), "é\ntwo\n");
});

Deno.test("encoderStream()'s chunks may be transferred", async () => {
  const stream = ReadableStream.from(["one", "two"])
    .pipeThrough(encoderStream(lines()));
  const received: Uint8Array[] = [];
  for await (const chunk of stream) {
    received.push(structuredClone(chunk, { transfer: [chunk.buffer] }));
  }
  assertEquals(received, [bytes("one\n"), bytes("two\n")]);
});

Deno.test("encoderStream() errors at a message that cannot be encoded", async () => {
  const stream = ReadableStream.from([1, 1n])
    .pipeThrough(encoderStream(jsonLines()));
  await assertRejects(() => collect(stream, []), TypeError, "BigInt");
});
