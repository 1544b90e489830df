import type { Codec } from "../codec.ts";
import { Frames } from "./frames.ts";
import { WriteBuffer } from "../write_buffer.ts";

/** What gives the bytes of a frame their meaning. */
export interface Layer<In, Out> {
  /** The message in a frame that begins at an offset of the stream. */
  decode(frame: Uint8Array, offset: number): In;
  /** The text of a message. */
  encode(message: Out): string;
}

/** A codec of messages, each the content of one frame of another codec. */
export function layered<In, Out>(
  frames: Codec<Uint8Array>,
  layer: Layer<In, Out>,
): Codec<In, Out> {
  const { end } = frames;
  const scratch = new WriteBuffer();
  const open = (frame: Uint8Array | undefined, offset: number) =>
    frame && layer.decode(frame, offset);
  return {
    decode(input) {
      if (frames instanceof Frames) return frames.open(input, layer.decode);
      const { offset } = input;
      return open(frames.decode(input), offset);
    },
    end: end && ((input) => {
      const { offset } = input;
      return open(end.call(frames, input), offset);
    }),
    encode(message, output) {
      scratch.text(layer.encode(message));
      frames.encode(scratch.take(), output);
      scratch.giveBack();
    },
  };
}
