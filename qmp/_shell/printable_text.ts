import { printable } from "../../protocol/_util/printable.ts";

/**
 * Text of a server over several lines, for a terminal: newlines and tabs stay,
 * and all other characters that a terminal would act on are escaped.
 */
export function printableText(text: string): string {
  return text.replaceAll("\r\n", "\n")
    .replace(/[^\n\t]+/g, (part) => printable(part));
}

/**
 * A JSON text for a terminal. The characters that `printable()` escapes have
 * JSON escapes here, so that the value stays the same.
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
