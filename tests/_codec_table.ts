import { assertEquals, assertInstanceOf } from "@std/assert";
import { type Codec, ReadBuffer, WriteBuffer } from "../protocol/mod.ts";
import { decodeEnd } from "../protocol/codecs/_end.ts";

type ErrorClass = abstract new (...args: never[]) => Error;

/** Input, the messages it holds, and the error it ends with, if any. */
export interface DecodeCase<In> {
  input: string | Uint8Array;
  messages: In[];
  error?: {
    class: ErrorClass;
    /** Members that the error has. */
    has?: Record<string, unknown>;
    /** The class of the error's cause. */
    cause?: ErrorClass;
  };
}

/** What came of decoding a stream. */
export interface Decoded<In> {
  messages: In[];
  error: unknown;
}

/** Bytes of text or of a list. */
export function bytes(content: string | Iterable<number>): Uint8Array {
  return typeof content === "string"
    ? new TextEncoder().encode(content)
    : Uint8Array.from(content);
}

/** Decodes chunks as a session does: all there is after each, then the end. */
export function decodeChunks<In, Out>(
  codec: Codec<In, Out>,
  chunks: Iterable<Uint8Array>,
): Decoded<In> {
  const input = new ReadBuffer();
  const messages: In[] = [];
  const drain = (next: () => In | undefined) => {
    for (let m = next(); m !== undefined; m = next()) messages.push(m);
  };
  try {
    for (const chunk of chunks) {
      input.append(chunk);
      drain(() => codec.decode(input));
    }
    drain(() => decodeEnd(codec, input));
    return { messages, error: undefined };
  } catch (error) {
    return { messages, error };
  }
}

/** The ways to cut bytes: not at all, in two at every byte, into single bytes. */
export function* cuts(content: Uint8Array): Generator<Uint8Array[]> {
  yield [content];
  for (let at = 1; at < content.length; at++) {
    yield [content.subarray(0, at), content.subarray(at)];
  }
  yield Array.from(content, (byte) => Uint8Array.of(byte));
}

/** Cuts bytes at positions given as fractions of their length. */
export function cutAt(content: Uint8Array, fractions: number[]): Uint8Array[] {
  const ends = fractions.map((part) => Math.floor(part * content.length));
  ends.sort((a, b) => a - b);
  return [...ends, content.length].map((end, i) =>
    content.subarray(ends[i - 1] ?? 0, end)
  );
}

/** One test a case: it decodes alike however its input is cut. */
export function testDecode<In, Out>(
  name: string,
  create: () => Codec<In, Out>,
  cases: Record<string, DecodeCase<NoInfer<In>>>,
): void {
  for (const [title, { input, messages, error }] of Object.entries(cases)) {
    Deno.test(`${name} decodes ${title}, split at every byte`, () => {
      const content = typeof input === "string" ? bytes(input) : input;
      for (const chunks of cuts(content)) {
        const decoded = decodeChunks(create(), chunks);
        if (error) {
          assertInstanceOf(decoded.error, error.class);
          for (const [member, value] of Object.entries(error.has ?? {})) {
            assertEquals(Reflect.get(decoded.error, member), value, member);
          }
          if (error.cause) assertInstanceOf(decoded.error.cause, error.cause);
        } else if (decoded.error) {
          throw decoded.error;
        }
        assertEquals(decoded.messages, messages);
      }
    });
  }
}

/** The bytes that a codec makes of messages. */
export function encodeAll<In, Out>(
  codec: Codec<In, Out>,
  messages: Iterable<Out>,
): Uint8Array {
  const output = new WriteBuffer();
  for (const message of messages) codec.encode(message, output);
  return output.take();
}
