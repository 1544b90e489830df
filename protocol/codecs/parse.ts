import { JSONText } from "./_json/text.ts";

const text = new JSONText({ bigint: true });

/**
 * Like `JSON.parse`, but integers beyond ±(2^53 - 1) become a `bigint`, so that
 * integers of 64 bits keep their value. Numbers with a fraction or an exponent
 * stay numbers.
 *
 * `T` is what the text is trusted to be: it is not checked.
 *
 * @throws {SyntaxError} The text is not JSON.
 * @throws {RangeError} An integer has more than 4096 characters.
 *
 * @example An integer of 64 bits, there and back
 * ```ts
 * import { parse, stringify } from "@parley/parley/codecs";
 * import { assertEquals } from "@std/assert";
 *
 * const value = parse('{"id":1,"size":9223372036854775807}');
 * assertEquals(value, { id: 1, size: 9223372036854775807n });
 * assertEquals(stringify(value), '{"id":1,"size":9223372036854775807}');
 * ```
 */
export function parse<T = unknown>(json: string): T {
  return text.parse(json) as T;
}
