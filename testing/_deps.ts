// @ts-types="../typed_std/assert.d.ts"
export {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "npm:deno-std@1.4.0/assert/mod.js";
// @ts-types="../typed_std/bytes.d.ts"
export { concat, equals } from "npm:deno-std@1.4.0/bytes/mod.js";
// @ts-types="../typed_std/streams.d.ts"
export { toBytes } from "npm:deno-std@1.4.0/streams/mod.js";
export {
  type Arbitrary,
  array,
  assert as assertProperty,
  constantFrom,
  double,
  property,
} from "npm:fast-check@4.10.2";
