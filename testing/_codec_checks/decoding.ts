import { MessageDecoder } from "../../protocol/codecs/_util/message_decoder.ts";
import {
  type Codec,
  ReadBuffer,
  WriteBuffer,
} from "../../protocol/codecs/mod.ts";

/** What a stream has been decoded to. */
export interface Decoded<In> {
  messages: In[];
  error: unknown;
}

/** The same with what it takes to say where the stream may be cut. */
export interface DecodedStream<In> extends Decoded<In> {
  /** How many of the messages were complete before the end of the stream. */
  complete: number;
  /** The offset behind the last one of these. */
  offset: number;
}

/** The UTF-8 of text, or the bytes of a list. */
export function bytes(content: string | Iterable<number>): Uint8Array {
  return typeof content === "string"
    ? new TextEncoder().encode(content)
    : Uint8Array.from(content);
}

/** Decodes chunks as a session does: all messages after each chunk, then the end. */
export function decodeChunks<In, Out>(
  codec: Codec<In, Out>,
  chunks: Iterable<Uint8Array>,
  input: ReadBuffer = new ReadBuffer(),
): Decoded<In> {
  const { messages, error } = decodeStream(codec, chunks, input);
  return { messages, error };
}

/** Like {@linkcode decodeChunks}; tells more. */
export function decodeStream<In, Out>(
  codec: Codec<In, Out>,
  chunks: Iterable<Uint8Array>,
  input: ReadBuffer = new ReadBuffer(),
): DecodedStream<In> {
  const decoder = new MessageDecoder<In>(input);
  const messages: In[] = [];
  let complete = 0;
  let offset = 0;
  let error: unknown;
  try {
    for (const chunk of chunks) {
      input.append(chunk);
      for (;;) {
        const message = decoder.decode(codec);
        if (message === undefined) break;
        complete = messages.push(message);
        offset = input.offset;
      }
    }
    for (;;) {
      const message = decoder.end(codec);
      if (message === undefined) break;
      messages.push(message);
    }
  } catch (cause) {
    error = cause;
  }
  return { messages, error, complete, offset };
}

/** The ways to cut bytes: not at all, in two at every byte, into single bytes. */
export function* cuts(content: Uint8Array): Generator<Uint8Array[]> {
  yield [content];
  for (let at = 1; at < content.length; at++) {
    yield [content.subarray(0, at), content.subarray(at)];
  }
  yield chunksOf(content, 1);
}

/** Cuts bytes into chunks of one size. */
export function chunksOf(content: Uint8Array, size: number): Uint8Array[] {
  return Array.from(
    { length: Math.ceil(content.length / size) },
    (_, i) => content.subarray(i * size, (i + 1) * size),
  );
}

/** Cuts bytes at positions that are fractions of their length. */
export function cutAt(content: Uint8Array, fractions: number[]): Uint8Array[] {
  const ends = fractions.map((part) => Math.floor(part * content.length));
  ends.sort((a, b) => a - b);
  return [...ends, content.length].map((end, i) =>
    content.subarray(ends[i - 1] ?? 0, end)
  );
}

/** The bytes that a codec makes of messages. */
export function encodeAll<In, Out>(
  codec: Codec<In, Out>,
  messages: Iterable<Out>,
): Uint8Array {
  const output = new WriteBuffer();
  for (const message of messages) codec.encode(message, output);
  const encoded = new Uint8Array(output.length);
  for (let at = 0; at < encoded.length;) {
    const chunk = output.take();
    encoded.set(chunk, at);
    at += chunk.length;
  }
  return encoded;
}
