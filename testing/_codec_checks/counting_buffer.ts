import { ReadBuffer } from "../../protocol/codecs/mod.ts";

/** Counts the bytes that a codec looks at: all of them, if it takes a view. */
export class CountingBuffer extends ReadBuffer {
  /** How many bytes the codec has looked at. */
  seen = 0;

  override at(position: number): number | undefined {
    this.seen++;
    return super.at(position);
  }

  override indexOf(byte: number, from = 0): number {
    const found = super.subarray(from).indexOf(byte);
    this.seen += found < 0 ? Math.max(0, this.length - from) : found + 1;
    return found < 0 ? -1 : from + found;
  }

  override subarray(from?: number, to?: number): Uint8Array<ArrayBuffer> {
    const view = super.subarray(from, to);
    this.seen += view.length;
    return view;
  }
}
