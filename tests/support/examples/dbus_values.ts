import { type Value, Variant } from "../../../examples/dbus/types.ts";

/** The signature of one value of each type of D-Bus. */
export const EVERYTHING = "ybnqiuxtdsoga{sv}a(ii)ayaaiv(y(s)t)ad";

/** One value of each type. */
export const everything: Value[] = [
  ...[255, true, -32768, 65535, -2147483648, 4294967295, -(2n ** 63n)],
  ...[2n ** 64n - 1n, -0.5, "grüße\u{1f680}", "/a/b", "a{sv}"],
  new Map([["one", new Variant("as", ["a", "bc"])]]),
  ...[[[1, 2], [3, 4]], Uint8Array.of(1, 2, 3), [[], [1], [2, 3]]],
  new Variant("v", new Variant("(yt)", [1, 2n])),
  ...[[7, ["x"], 8n], []],
];
