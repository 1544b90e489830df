/** Something that may have features. */
interface Featured {
  readonly features?: readonly string[];
}

/** What a comment says of the features that there are. */
export function noteOf({ features = [] }: Featured): string[] {
  const others = features.filter((feature) => feature !== "deprecated");
  return [
    ...(others.length > 0 ? [`Features: ${others.join(", ")}.`] : []),
    ...(features.includes("deprecated")
      ? ["@deprecated It may be gone in a later version of the server."]
      : []),
  ];
}

/** A comment of so many paragraphs, with its newline; nothing where there are none. */
export function comment(paragraphs: readonly string[]): string {
  if (paragraphs.length === 0) return "";
  const text = paragraphs.join("\n\n").replaceAll("*/", "*\\/");
  return `/**\n${text.replace(/^(?=.)/gm, " * ").replace(/^$/gm, " *")}\n */\n`;
}

/** A member's name as it stands in a type. */
export function propertyKey(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** One of several types. */
export function union(types: readonly string[]): string {
  return types.length > 0 ? [...new Set(types)].join(" | ") : "never";
}

/** A part of a type's name: `query-block` becomes `QueryBlock`. */
export function nameFrom(text: string): string {
  return text.split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

/** Moves each line to the right, by how many brackets are open before it. */
export function indent(text: string): string {
  let depth = 0;
  return text.replace(/^.+$/gm, (line) => {
    if (/^[})]/.test(line)) depth--;
    const indented = "  ".repeat(depth) + line;
    if (/[{(]$/.test(line)) depth++;
    return indented;
  });
}
