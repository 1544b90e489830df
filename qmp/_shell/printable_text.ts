import { printable } from "../../protocol/_util/printable.ts";

/**
 * Text of a server over several lines, for a terminal: newlines and tabs stay,
 * and any other character that a terminal would act on is escaped.
 */
export function printableText(text: string): string {
  return text.replaceAll("\r\n", "\n")
    .replace(/[^\n\t]+/g, (part) => printable(part));
}

/**
 * A JSON text for a terminal. The characters that `printable()` escapes are
 * escaped as JSON has it, so that the text means the same.
 */
export function printableJSON(text: string): string {
  return text.replace(
    /[^\n\P{C}]|[\p{Zl}\p{Zp}]/gu,
    (unseen) =>
      Array.from({ length: unseen.length }, (_, unit) => {
        const code = unseen.charCodeAt(unit).toString(16);
        return `\\u${code.padStart(4, "0")}`;
      }).join(""),
  );
}
