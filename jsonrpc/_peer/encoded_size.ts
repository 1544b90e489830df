import type { Codec } from "../../protocol/codecs/codec.ts";
import { WriteBuffer } from "../../protocol/codecs/write_buffer.ts";

/** How many bytes a message takes; throws if it cannot be encoded. */
export function encodedSize<T>(codec: Codec<unknown, T>, message: T): number {
  const output = new WriteBuffer();
  codec.encode(message, output);
  return output.length;
}
