import type { Codec } from "./codec.ts";
import { WriteBuffer } from "./write_buffer.ts";

/**
 * A stream that takes messages and gives their bytes, a chunk for each message, for
 * `pipeThrough` without a session. It errors with the errors of the codec.
 *
 * @example Messages into a file or a request
 * ```ts
 * import { encoderStream, jsonLines } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = ReadableStream.from([{ n: 1 }, { n: 2 }])
 *   .pipeThrough(encoderStream(jsonLines()));
 * assertEquals(await new Response(bytes).text(), '{"n":1}\n{"n":2}\n');
 * ```
 */
export function encoderStream<In, Out = In>(
  codec: Codec<In, Out>,
): TransformStream<Out, Uint8Array<ArrayBuffer>> {
  const output = new WriteBuffer();
  return new TransformStream({
    transform(message, controller) {
      codec.encode(message, output);
      // Each chunk is a copy, because its receiver may transfer its buffer.
      while (output.length > 0) controller.enqueue(output.take().slice());
      output.giveBack();
    },
  });
}
