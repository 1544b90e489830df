/** Options of every codec. */
export interface CodecOptions {
  /**
   * The largest message taken from the input, in bytes, without what frames it;
   * `Infinity` for no limit.
   *
   * @default {65536}
   */
  maxMessageBytes?: number;
}

/** Options of every codec of JSON. */
export interface JSONOptions {
  /**
   * Whether integers of any size survive: those beyond ±(2^53 - 1) are decoded
   * to a `bigint`, and a `bigint` is encoded to its digits. Without it the
   * former lose digits, as in `JSON.parse`, and the latter cannot be encoded.
   *
   * @default {false}
   */
  bigint?: boolean;
}
