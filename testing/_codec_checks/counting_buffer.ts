import { ReadBuffer } from "../../protocol/codecs/mod.ts";

/** A buffer that counts the bytes that a codec looks at; a view is all looked at. */
export class CountingBuffer extends ReadBuffer {
  /** How many bytes were looked at. */
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
