/** Tests of `bigint: true`, which `_json/long_integers.ts` decodes. */
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import fc from "fast-check";
import { JSONText } from "../../protocol/codecs/_json/text.ts";

const { parse } = JSON as unknown as {
  parse(text: string, reviver?: Reviver): unknown;
};
type Reviver = (
  key: string,
  value: unknown,
  context: { source?: string },
) => unknown;

const exact = new JSONText({ bigint: true });
const long = "12345678901234567890";

/** The same in the simplest way: a reviver for every value. */
function naive(text: string): unknown {
  return parse(
    text,
    (_, value, { source }) =>
      typeof value === "number" && !Number.isSafeInteger(value) &&
        source !== undefined && /^-?\d+$/.test(source)
        ? BigInt(source)
        : value,
  );
}

/** JSON texts whose keys repeat, and whose strings look like numbers. */
const texts = fc.letrec<{ value: string }>((tie) => {
  const number = fc.oneof(
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
    fc.constantFrom(
      ...["9007199254740991", "9007199254740992", "-9007199254740993"],
      ...["1234567890123456789.5", "12345678901234567890e1", "-0", "1E400"],
      ...["123456789012345678901234567890", "0.12345678901234567890"],
    ),
  );
  const string = fc.oneof(
    fc.constantFrom(
      ...[`"${long}"`, `"\\\\"`, `"\\"${long}"`, `"[${long},"`, `"a\\\\\\""`],
    ),
    fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
  );
  // Without escapes: V8 15.0 mistakes some keys that repeat and are escaped.
  const key = fc.constantFrom(
    ...[`"${long}"`, '"a"', '"b"', '"__proto__"', '"0"', '"é𝄞"', '"{"', '""'],
  );
  const blank = fc.constantFrom("", "", " ", "\n\t");
  const inside = (parts: fc.Arbitrary<string>) =>
    fc.tuple(fc.array(parts, { maxLength: 12 }), blank)
      .map(([parts, blank]) => parts.join(blank + "," + blank));
  return {
    value: fc.oneof(
      { depthSize: "small" },
      { weight: 3, arbitrary: number },
      string,
      fc.constantFrom("true", "false", "null"),
      inside(tie("value")).map((inner) => `[${inner}]`),
      inside(
        fc.tuple(key, blank, tie("value"))
          .map(([key, blank, value]) => `${key}${blank}:${blank}${value}`),
      ).map((inner) => `{${inner}}`),
    ),
  };
}).value;

Deno.test("bigint decodes the same as a reviver for every value", () => {
  let integers = 0;
  const count = (value: unknown): number =>
    typeof value === "bigint"
      ? 1
      : typeof value === "object" && value !== null
      ? Object.values(value).reduce<number>((sum, v) => sum + count(v), 0)
      : 0;
  fc.assert(
    fc.property(texts, (text) => {
      const expected = naive(text);
      integers += count(expected);
      assertEquals(exact.parse(text), expected);
    }),
    { numRuns: 3000 },
  );
  assert(integers > 1000, `${integers} long integers were in the texts`);
});

Deno.test("of members with one name the last is used, whichever has a long integer", () => {
  for (
    const text of [
      `{"a":${long},"a":1.2345678901234567e19}`,
      `{"a":${long},"\\u0061":"${long}"}`,
      `{"a":[${long}],"a":[12345678901234567890.0]}`,
      `{"a":1,"a":${long}}`,
      `{"a":{"b":${long}},"a":{"b":${long}1,"b":2},"c":${long}}`,
      `[{},"${long}",${long},{"x":[]},{"__proto__":${long}}]`,
      "{" + Array.from({ length: 40 }, (_, i) => `"k${i}":${long}${i}`).join() +
      `,"k3":1,"k39":2,"k3":${long}}`,
      `{"\\u0061":${long},"a\\\\":[${long}],"\\"":{"\\n":${long}}}`,
    ]
  ) assertEquals(exact.parse(text), naive(text), text);
});

Deno.test("a text that is not JSON is refused as JSON.parse refuses it", () => {
  for (const text of [`[${long}`, `{${long}:1}`, `[0${long}]`, `"${long}`]) {
    assertThrows(() => exact.parse(text), SyntaxError);
  }
});

Deno.test("an integer of 4096 characters is decoded, and a longer one is refused", () => {
  const digits = "9".repeat(4096);
  assertEquals(exact.parse(`[${digits}]`), [BigInt(digits)]);
  assertEquals(exact.parse(`[${digits}9.5]`), [Infinity]);
  assertThrows(
    () => exact.parse(`[${digits}9]`),
    RangeError,
    "Cannot parse integer: it has 4097 characters, at most 4096 are allowed",
  );
});

Deno.test("a long integer is restored a million levels deep", () => {
  for (const [open, close] of [["[", "]"], ['{"a":', "}"]] as const) {
    const depth = 1_000_000;
    const text = open.repeat(depth) + long + close.repeat(depth);
    let value = exact.parse(text);
    let levels = 0;
    for (; typeof value === "object"; levels++) {
      [value] = Object.values(value ?? {});
    }
    assertEquals([levels, value], [depth, 12345678901234567890n]);
  }
});

const size = 2_000_000;
const fill = (unit: string) => unit.repeat(Math.ceil(size / unit.length));
const shapes: Record<string, string> = {
  "short numbers": fill("1,"),
  "small objects": fill('{"a":1},'),
  "empty arrays": fill("[],"),
  "short strings": fill('"abcdefgh",'),
  "one string": `"${fill("x")}",`,
  "escapes": `"${fill('\\"')}",`,
  "many keys": `{${
    Array.from({ length: size / 16 }, (_, i) => `"k${i}":${i}`).join()
  }},`,
  "fractions": fill("0.12345678901234567890,"),
  "deep nesting": "[".repeat(size / 4) + "]".repeat(size / 4) + ",",
};

for (const [shape, text] of Object.entries(shapes)) {
  Deno.test(`2 MB with one long integer cost nearly the same as without it: ${shape}`, () => {
    const time = (text: string) => {
      const start = performance.now();
      exact.parse(text);
      return performance.now() - start;
    };
    // In turn, so that a load beside this test meets both.
    let [without, withLong] = [Infinity, Infinity];
    for (let round = 0; round < 9; round++) {
      without = Math.min(without, time(`[${text}1]`));
      withLong = Math.min(withLong, time(`[${text}${long}]`));
    }
    const ratio = withLong / Math.max(without, 1);
    console.log(`${shape}: ${ratio.toFixed(1)} times as long`);
    // A reviver takes up to 50 times as long.
    assertLess(ratio, 10);
  });
}
