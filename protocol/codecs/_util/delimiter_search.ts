import type { CodecInput } from "../codec_input.ts";

/** Finds the first delimiter in the input; goes on where the last search ended. */
export class DelimiterSearch {
  readonly #delimiter: Uint8Array;
  readonly #first: number;
  #input: CodecInput | undefined;
  #searched = 0;

  constructor(delimiter: Uint8Array) {
    this.#delimiter = delimiter;
    this.#first = delimiter[0] ?? 0;
  }

  /** No delimiter begins before this offset in the stream. */
  get searched(): number {
    return this.#searched;
  }

  /** The position of the first delimiter, or -1. */
  find(input: CodecInput): number {
    const { offset } = input;
    if (input !== this.#input) {
      this.#input = input;
      this.#searched = offset;
    }
    const from = Math.max(0, this.#searched - offset);
    for (
      let at = input.indexOf(this.#first, from);
      at >= 0;
      at = input.indexOf(this.#first, at + 1)
    ) {
      const matched = this.#match(input, at);
      if (matched === this.#delimiter.length || at + matched === input.length) {
        this.#searched = offset + at;
        return matched === this.#delimiter.length ? at : -1;
      }
    }
    this.#searched = offset + input.length;
    return -1;
  }

  /** How many bytes of the delimiter stand at a position. */
  #match(input: CodecInput, at: number): number {
    let matched = 1;
    while (
      matched < this.#delimiter.length &&
      input.at(at + matched) === this.#delimiter[matched]
    ) matched++;
    return matched;
  }
}
