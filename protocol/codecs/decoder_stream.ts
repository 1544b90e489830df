import type { Codec } from "./codec.ts";
import { MessageDecoder } from "./_util/message_decoder.ts";
import { ReadBuffer } from "./read_buffer.ts";

/**
 * A stream that takes bytes and gives the messages in them, for `pipeThrough`
 * without a session. It copies the chunks. It errors with the errors of the codec,
 * and with {@linkcode TruncatedMessageError} if the bytes end within a message. The
 * messages before an error are given.
 *
 * @example Messages in a file
 * ```ts
 * import { decoderStream, jsonLines } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const file = new Blob(['{"n":1}\n{"n":2}\n']);
 * let sum = 0;
 * const codec = jsonLines<{ n: number }>();
 * for await (const { n } of file.stream().pipeThrough(decoderStream(codec))) {
 *   sum += n;
 * }
 * assertEquals(sum, 3);
 * ```
 */
export function decoderStream<In, Out = In>(
  codec: Codec<In, Out>,
): TransformStream<Uint8Array, In> {
  const input = new ReadBuffer();
  const decoder = new MessageDecoder<In>(input);
  return new TransformStream({
    transform(chunk, controller) {
      input.append(chunk);
      let message = decoder.decode(codec);
      while (message !== undefined) {
        controller.enqueue(message);
        message = decoder.decode(codec);
      }
    },
    flush(controller) {
      let message = decoder.end(codec);
      while (message !== undefined) {
        controller.enqueue(message);
        message = decoder.end(codec);
      }
    },
  });
}
