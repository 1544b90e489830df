/** The number of bytes that are shown at most. */
export const EXCERPT_BYTES = 80;
/** The number of bytes that are shown before the one that matters. */
const CONTEXT_BYTES = 20;

/** Shows the bytes around a position in a message: as text if they are UTF-8. */
export function show(bytes: Uint8Array, position = 0): string {
  const start = Math.max(0, position - CONTEXT_BYTES);
  const end = start + EXCERPT_BYTES;
  const excerpt = bytes.subarray(start, end);
  const shown = isText(bytes)
    ? JSON.stringify(new TextDecoder().decode(excerpt))
    : `[${excerpt.join(", ")}]`;
  return (start > 0 ? "…" : "") + shown + (end < bytes.length ? "…" : "");
}

function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
