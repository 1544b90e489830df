import { printable } from "../../protocol/_util/printable.ts";

/** A longer line of types is written over several lines. */
const MAX_LINE = 80;

/** A longer name would be made longer by every object within it. */
const MAX_NAME = 80;

/** Something that may have features. */
interface Featured {
  readonly features?: readonly string[];
}

/** The paragraphs of a comment on the features of something. */
export function noteOf({ features = [] }: Featured): string[] {
  const others = features.filter((feature) => feature !== "deprecated");
  return [
    ...(others.length > 0 ? [`Features: ${others.join(", ")}.`] : []),
    ...(features.includes("deprecated")
      ? ["@deprecated It may be gone in a later version of the server."]
      : []),
  ];
}

/** The lines of a comment with these paragraphs; no lines without paragraphs. */
export function comment(paragraphs: readonly string[]): string[] {
  if (paragraphs.length === 0) return [];
  const lines = paragraphs.flatMap((text) => [
    "",
    printable(text).replaceAll("*/", "*\\/"),
  ]);
  return [
    "/**",
    ...lines.slice(1).map((line) => line === "" ? " *" : ` * ${line}`),
    " */",
  ];
}

/** Moves lines to the right. */
export function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** A text as a literal, which is also the type of this text alone. */
export function literal(text: string): string {
  return JSON.stringify(text).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The name of a member, as it is declared in a type. */
export function propertyKey(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name);
}

/** One of several types. */
export function union(types: readonly string[]): string {
  return types.length > 0 ? [...new Set(types)].join(" | ") : "never";
}

/** The declaration of a union type, on one line or several. */
export function unionDeclaration(
  name: string,
  types: readonly string[],
): string[] {
  const line = `export type ${name} = ${union(types)};`;
  if (line.length <= MAX_LINE) return [line];
  const parts = [...new Set(types)].map((type) => `  | ${type}`);
  return [`export type ${name} =`, ...parts.slice(0, -1), `${parts.at(-1)};`];
}

/** A part of a type's name: `query-block` becomes `QueryBlock`. */
export function nameFrom(text: string): string {
  return text.slice(0, MAX_NAME).split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("").replace(/^(?=\d)/, "_");
}

/** The name of a type within another: both names, or only its own. */
export function innerName(outer: string, text: string): string {
  const inner = nameFrom(text);
  const whole = outer + inner.replace(/^_/, "");
  return whole.length <= MAX_NAME ? whole : inner || "Inner";
}
