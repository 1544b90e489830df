import { ProtocolError, TruncatedMessageError } from "../../errors.ts";
import type { Codec } from "../codec.ts";
import type { CodecInput } from "../codec_input.ts";
import type { CodecOutput } from "../codec_output.ts";
import type {
  BadMessageOptions,
  BadMessages,
  UnterminatedOptions,
} from "../options.ts";
import { DelimiterSearch } from "./delimiter_search.ts";
import { choiceOption, limitOption } from "./options.ts";

const CHOICES: readonly BadMessages[] = ["throw", "deliver", "skip"];
const MAX_BAD_MESSAGES = 1000;

/** What is done about the bad messages of one stream. */
export class BadMessagePolicy {
  readonly #choice: BadMessages;
  #left: number;

  constructor(options: BadMessageOptions) {
    const { badMessages = "throw", maxBadMessages = MAX_BAD_MESSAGES } =
      options;
    this.#choice = choiceOption("badMessages", badMessages, CHOICES);
    this.#left = limitOption("maxBadMessages", maxBadMessages, 0);
  }

  /** Whether every bad message is thrown. */
  get throws(): boolean {
    return this.#choice === "throw";
  }

  /** Whether bad messages are delivered. */
  get delivers(): boolean {
    return this.#choice === "deliver";
  }

  /** Counts a bad message. Throws another error, and a bad message too many. */
  accept(error: unknown): ProtocolError {
    if (this.throws || !(error instanceof ProtocolError)) throw error;
    if (this.#left-- > 0) return error;
    throw error;
  }
}

/** What {@linkcode withBadMessages} needs to know about a codec. */
export interface DelimitedCodecOptions
  extends BadMessageOptions, UnterminatedOptions {}

/**
 * A codec that goes on behind a bad message of another codec, whose messages end in
 * a delimiter.
 */
export function withBadMessages<T>(
  codec: Codec<T>,
  delimiter: Uint8Array,
  options: DelimitedCodecOptions,
): Codec<T | ProtocolError, T> {
  const policy = new BadMessagePolicy(options);
  if (policy.throws) return codec;
  return new Tolerant(codec, delimiter, policy, options.allowUnterminated);
}

class Tolerant<T> implements Codec<T | ProtocolError, T> {
  readonly #codec: Codec<T>;
  readonly #search: DelimiterSearch;
  readonly #size: number;
  readonly #policy: BadMessagePolicy;
  readonly #allowUnterminated: boolean;
  /** The input with a bad message whose end has not come, and where it began. */
  #badInput: CodecInput | undefined;
  #badStart = 0;

  constructor(
    codec: Codec<T>,
    delimiter: Uint8Array,
    policy: BadMessagePolicy,
    allowUnterminated = false,
  ) {
    this.#codec = codec;
    this.#search = new DelimiterSearch(delimiter);
    this.#size = delimiter.length;
    this.#policy = policy;
    this.#allowUnterminated = allowUnterminated;
  }

  decode(input: CodecInput): T | ProtocolError | undefined {
    while (this.#skip(input)) {
      try {
        return this.#codec.decode(input);
      } catch (error) {
        const bad = this.#policy.accept(error);
        this.#badInput = input;
        this.#badStart = input.offset;
        this.#skip(input);
        if (this.#policy.delivers) return bad;
      }
    }
    return undefined;
  }

  end(input: CodecInput): T | ProtocolError | undefined {
    if (input === this.#badInput) {
      this.#badInput = undefined;
      input.consume(input.length);
      if (this.#allowUnterminated) return undefined;
      const start = this.#badStart;
      throw new TruncatedMessageError(start, input.offset - start);
    }
    try {
      return this.#codec.end?.(input);
    } catch (error) {
      const bad = this.#policy.accept(error);
      input.consume(input.length);
      return this.#policy.delivers ? bad : undefined;
    }
  }

  encode(message: T, output: CodecOutput): void {
    this.#codec.encode(message, output);
  }

  /** Drops what has come of a bad message; false if its end has not. */
  #skip(input: CodecInput): boolean {
    if (input !== this.#badInput) return true;
    const at = this.#search.find(input);
    const found = at >= 0;
    input.consume(
      found ? at + this.#size : this.#search.searched - input.offset,
    );
    if (found) this.#badInput = undefined;
    return found;
  }
}
