import { JSONText } from "./_json/text.ts";

const text = new JSONText({ bigint: true });

/**
 * Like `JSON.stringify`, but a `bigint` is written as its digits, where
 * `JSON.stringify` throws. {@linkcode parse} is the counterpart.
 *
 * @throws {TypeError} The value has no JSON text: it is `undefined`, a function, a
 * symbol, or circular.
 * @throws {RangeError} A value with a `bigint` in it is nested too deep: some
 * thousand levels.
 *
 * @example A message with an integer of 64 bits
 * ```ts
 * import { stringify } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(stringify({ size: 2n ** 63n }), '{"size":9223372036854775808}');
 * ```
 */
export function stringify(value: unknown): string {
  return text.stringify(value);
}
