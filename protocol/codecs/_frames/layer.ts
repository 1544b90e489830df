import type { ProtocolError } from "../../errors.ts";
import type { Codec } from "../codec.ts";
import type { CodecInput } from "../codec_input.ts";
import type { BadMessageOptions } from "../options.ts";
import { BadMessagePolicy } from "../_util/bad_messages.ts";
import { WriteBuffer } from "../write_buffer.ts";
import { Frames } from "./frames.ts";

/** Gives the bytes of a frame their meaning. */
export interface Layer<In, Out> {
  /** The message in a frame that begins at an offset of the stream. */
  decode(frame: Uint8Array, offset: number): In;
  /** The text of a message. */
  encode(message: Out): string;
}

/** Frames, which may be errors that their codec delivers. */
export type FrameCodec = Codec<Uint8Array | ProtocolError, Uint8Array>;

/** Stands for a bad message. */
const SKIPPED = Symbol("skipped");

/** A codec of messages, each the content of one frame of another codec. */
export function layered<In, Out>(
  frames: FrameCodec,
  layer: Layer<In, Out>,
  options: BadMessageOptions,
): Codec<In | ProtocolError, Out> {
  const policy = new BadMessagePolicy(options);
  const scratch = new WriteBuffer();

  const make = (frame: Uint8Array, offset: number) => {
    try {
      return layer.decode(frame, offset);
    } catch (error) {
      const bad = policy.accept(error);
      return policy.delivers ? bad : SKIPPED;
    }
  };

  const makeOf = (
    frame: Uint8Array | ProtocolError | undefined,
    offset: number,
  ) => frame instanceof Uint8Array ? make(frame, offset) : frame;

  const next = (input: CodecInput) => {
    if (frames instanceof Frames) return frames.open(input, make);
    const { offset } = input;
    return makeOf(frames.decode(input), offset);
  };

  return {
    decode(input) {
      let message = next(input);
      while (message === SKIPPED) message = next(input);
      return message;
    },
    end(input) {
      let message: In | ProtocolError | typeof SKIPPED | undefined;
      do {
        const { offset } = input;
        message = makeOf(frames.end?.(input), offset);
      } while (message === SKIPPED);
      return message;
    },
    encode(message, output) {
      scratch.text(layer.encode(message));
      try {
        frames.encode(scratch.take(), output);
      } finally {
        scratch.giveBack();
      }
    },
  };
}
