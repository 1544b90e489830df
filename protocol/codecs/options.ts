/** Options of every codec. */
export interface CodecOptions {
  /**
   * The largest message that is taken from the input, in bytes, without its frame;
   * `Infinity` for no limit.
   *
   * @default {65536}
   */
  maxMessageBytes?: number | undefined;
}

/** Options of every codec of JSON. */
export interface JSONOptions {
  /**
   * Whether integers of 64 bits keep their value: those beyond ±(2^53 - 1) are
   * decoded to a `bigint`, and a `bigint` is encoded to its digits. Otherwise the
   * former lose digits, as in `JSON.parse`, and the latter cannot be encoded.
   *
   * @default {false}
   */
  bigint?: boolean | undefined;
}

/** Options of every codec of text. */
export interface TextOptions {
  /**
   * Whether bytes that are not UTF-8 are decoded to U+FFFD, as a `TextDecoder` that
   * is not `fatal` does. Otherwise they are a {@linkcode DecodeError}.
   *
   * @default {false}
   */
  lenientUTF8?: boolean | undefined;
}

/** Options of every codec whose messages have an end, such as a newline. */
export interface UnterminatedOptions {
  /**
   * Whether the last message may lack its end. Then it ends with the stream, and a
   * message that was cut is taken for a whole one. Otherwise it is a
   * {@linkcode TruncatedMessageError}.
   *
   * @default {false}
   */
  allowUnterminated?: boolean | undefined;
}

/**
 * What a codec does about a bad message:
 *
 * - `"throw"`: it throws the error, which ends the stream or session;
 * - `"deliver"`: the error is a message like others, and the stream goes on behind
 *   the bad message;
 * - `"skip"`: the stream goes on as if the message were not there.
 */
export type BadMessages = "throw" | "deliver" | "skip";

/** Options of every codec that finds the end of a bad message. */
export interface BadMessageOptions {
  /**
   * What is done about a bad message.
   *
   * @default {"throw"}
   */
  badMessages?: BadMessages | undefined;
  /**
   * How many bad messages of one stream are delivered or skipped; the next one is
   * thrown. Each costs some microseconds, which a peer could have for two bytes;
   * `Infinity` for no limit.
   *
   * @default {1000}
   */
  maxBadMessages?: number | undefined;
}

/** Options of a codec that delivers bad messages as errors. */
export interface DeliverBadMessages {
  /** Bad messages are delivered as errors. */
  badMessages: "deliver";
}
