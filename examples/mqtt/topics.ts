/**
 * Whether a topic is one of a filter with the wildcards `+` and `#` (§4.7). What
 * a filter begins with may be `$share/GROUP/`: servers share its messages out.
 */
export function matches(filter: string, topic: string): boolean {
  const levels = filter.replace(/^\$share\/[^/]+\//, "").split("/");
  const names = topic.split("/");
  if (topic.startsWith("$") && /^[+#]/.test(levels[0] ?? "")) return false;
  const isOpen = levels.at(-1) === "#";
  if (!isOpen && levels.length !== names.length) return false;
  return levels.every((level, i) =>
    level === "#" || level === names[i] ||
    (level === "+" && names[i] !== undefined)
  );
}

/** Refuses a topic that has wildcards or that no server takes. */
export function checkTopic(topic: string): void {
  if (/^[^+#\0]+$/.test(topic)) return;
  throw new TypeError(
    `Cannot use topic: it is ${JSON.stringify(topic)}, expected no wildcards`,
  );
}
