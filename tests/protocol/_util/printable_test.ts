import { assertEquals } from "@std/assert";
import { printable } from "../../../protocol/_util/printable.ts";

Deno.test("printable() leaves visible text as it is", () => {
  const text = 'Grüße, 世界 🚀 \\n "quoted" ~';
  assertEquals(printable(text), text);
});

Deno.test("printable() escapes characters that a terminal or a log would act on", () => {
  const cases: [string, string][] = [
    ["a\nb\r\n\tc", "a\\nb\\r\\n\\tc"],
    ["\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"],
    ["\x9b31m\x7f\0", "\\u{9b}31m\\u{7f}\\u{0}"],
    ["\u202egnp.exe\u2066", "\\u{202e}gnp.exe\\u{2066}"],
    ["a\u2028b\u2029c", "a\\u{2028}b\\u{2029}c"],
    ["\ufeff\u200b\ue000", "\\u{feff}\\u{200b}\\u{e000}"],
    ["\ud800x", "\\u{d800}x"],
    ["\u{e0041}", "\\u{e0041}"],
  ];
  for (const [text, shown] of cases) assertEquals(printable(text), shown);
});

Deno.test("printable() leaves no control character in any text", () => {
  for (let code = 0; code <= 0xffff; code++) {
    const shown = printable(String.fromCharCode(code));
    assertEquals(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(shown), false);
  }
});
