import type { Codec } from "../codec.ts";
import type { CodecInput } from "../codec_input.ts";
import type { CodecOutput } from "../codec_output.ts";

/** Where a frame at the front of the input has its content. */
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

  /** The frame at the front, or `undefined` if it is not complete. */
  protected abstract find(input: CodecInput): Frame | undefined;

  /** The frame that ends with the stream, or `undefined` if there is none. */
  protected findLast(_input: CodecInput): Frame | undefined {
    return undefined;
  }

  decode(input: CodecInput): Uint8Array | undefined {
    return take(input, this.find(input));
  }

  end(input: CodecInput): Uint8Array | undefined {
    return take(input, this.findLast(input));
  }

  /**
   * What is made of the content of the frame at the front. The frame is consumed if
   * that succeeds.
   */
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

function take(
  input: CodecInput,
  frame: Frame | undefined,
): Uint8Array | undefined {
  return frame && input.take(frame.size, frame.start, frame.end);
}
