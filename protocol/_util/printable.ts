const shortEscapes: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/**
 * Text in which each character that a terminal or a log would act on, or that
 * would not be seen, is escaped: controls, format and bidirectional characters,
 * line separators, lone surrogates.
 *
 * A peer's text is data. It goes through here before it becomes part of an error
 * message, a log message or what a terminal shows.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (unseen) =>
      shortEscapes[unseen] ?? `\\u{${unseen.codePointAt(0)?.toString(16)}}`,
  );
}
