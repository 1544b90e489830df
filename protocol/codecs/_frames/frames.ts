import type { Codec } from "../codec.ts";
import type { CodecInput } from "../codec_input.ts";
import type { CodecOutput } from "../codec_output.ts";

/** Where a frame at the front of a buffer has its content. */
export interface Frame {
  /** The position of the content. */
  readonly start: number;
  /** The position behind the content. */
  readonly end: number;
  /** The size of the whole frame. */
  readonly size: number;
}

/** A codec of frames of bytes, which shows a frame in place to other codecs. */
export abstract class Frames implements Codec<Uint8Array> {
  abstract encode(message: Uint8Array, output: CodecOutput): void;

  /** The frame at the front, or `undefined`. */
  protected abstract find(input: CodecInput): Frame | undefined;

  decode(input: CodecInput): Uint8Array | undefined {
    const frame = this.find(input);
    return frame && input.take(frame.size, frame.start, frame.end);
  }

  /** What is made of the content at the front, which is taken if that succeeds. */
  open<T>(
    input: CodecInput,
    make: (content: Uint8Array, offset: number) => T,
  ): T | undefined {
    const frame = this.find(input);
    if (frame === undefined) return undefined;
    const content = input.subarray(frame.start, frame.end);
    const made = make(content, input.offset);
    input.consume(frame.size);
    return made;
  }
}
