/** Tests of `parse()` and `stringify()`, and so of `bigint: true`. */
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parse, stringify } from "../../protocol/mod.ts";

const json = JSON as unknown as {
  parse(text: string, reviver: Reviver): unknown;
};
type Reviver = (
  key: string,
  value: unknown,
  context: { source?: string },
) => unknown;

const long = "12345678901234567890";

/** The same in the simplest way: a reviver for every value. */
function naive(text: string): unknown {
  return json.parse(
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
      assertEquals(parse(text), expected);
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
  ) assertEquals(parse(text), naive(text), text);
});

Deno.test("a text that is not JSON is refused as JSON.parse refuses it", () => {
  for (const text of [`[${long}`, `{${long}:1}`, `[0${long}]`, `"${long}`]) {
    assertThrows(() => parse(text), SyntaxError);
  }
});

Deno.test("an integer of 4096 characters is decoded, and a longer one is refused", () => {
  const digits = "9".repeat(4096);
  assertEquals(parse(`[${digits}]`), [BigInt(digits)]);
  assertEquals(parse(`[${digits}9.5]`), [Infinity]);
  assertThrows(
    () => parse(`[${digits}9]`),
    RangeError,
    "Cannot parse integer: it has 4097 characters, at most 4096 are allowed",
  );
});

Deno.test("a long integer is restored a million levels deep", () => {
  for (const [open, close] of [["[", "]"], ['{"a":', "}"]] as const) {
    const depth = 1_000_000;
    const text = open.repeat(depth) + long + close.repeat(depth);
    let value = parse(text);
    let levels = 0;
    for (; typeof value === "object"; levels++) {
      [value] = Object.values(value ?? {});
    }
    assertEquals([levels, value], [depth, 12345678901234567890n]);
  }
});

Deno.test("a value with an integer beyond 2^53 is written with its digits, where JSON.stringify throws", () => {
  const value = { id: 1, sizes: [2n ** 53n, -(2n ** 64n), 5n], name: "é" };
  assertThrows(() => JSON.stringify(value), TypeError);
  const text =
    '{"id":1,"sizes":[9007199254740992,-18446744073709551616,5],"name":"é"}';
  assertEquals(stringify(value), text);
  assertEquals<unknown>(parse(text), {
    ...value,
    sizes: [...value.sizes.slice(0, 2), 5],
  });
  assertEquals(stringify({ toJSON: () => [2n ** 53n] }), "[9007199254740992]");
  assertEquals(stringify(null), "null");
});

Deno.test("stringify() refuses a value that has no JSON text", () => {
  const circular: unknown[] = [1n];
  circular.push(circular);
  for (const value of [undefined, () => 1, Symbol("s"), circular]) {
    assertThrows(() => stringify(value), TypeError);
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
      parse(text);
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
