import { documentedName } from "./known_enums.ts";
import {
  type AlternateInfo,
  type CommandInfo,
  type EnumInfo,
  type EventInfo,
  isOptional,
  type MemberInfo,
  type ObjectInfo,
  SchemaIndex,
  type SchemaInfo,
  valuesOf,
} from "./schema_info.ts";
import {
  comment,
  indent,
  innerName,
  literal,
  nameFrom,
  noteOf,
  propertyKey,
  union,
  unionDeclaration,
} from "./typescript_text.ts";

/**
 * A client sends only values that the server knows. A newer server may send values
 * that the schema does not have.
 */
type Direction = "sent" | "received";

/** An array that is nested deeper has the type `unknown`. */
const MAX_DIMENSIONS = 16;

/**
 * TypeScript that exports a type `Schema`, for `QMPClient<Schema>`, and the types
 * that it uses.
 *
 * The names that a server gives to types mean nothing and change from version to
 * version. An enumeration gets its name from QEMU's documentation. Any
 * other type is named after the first place where it is used.
 *
 * @param infos The result of `readSchema()`.
 * @param source A sentence about the source of the schema, for the comment.
 */
export function typescriptOf(
  infos: readonly SchemaInfo[],
  source: string,
): string {
  return new Writer(new SchemaIndex(infos)).write(source);
}

class Writer {
  readonly #index: SchemaIndex;
  /** The names of types, by direction and server's name: `sent 12`. */
  readonly #names = new Map<string, string>();
  /** The names that are taken, each with the last number behind it. */
  readonly #taken = new Map(
    ["Schema", "Integer", "Other", "Record"].map((name) => [name, 1]),
  );
  /** The declarations to write, in the order of their first use. */
  readonly #pending: (() => string[])[] = [];

  constructor(index: SchemaIndex) {
    this.#index = index;
  }

  write(source: string): string {
    const commands = this.#index.all("command");
    const events = this.#index.all("event");
    const lines = [
      HEADER,
      ...comment([source]),
      "export interface Schema {",
      "  commands: {",
      ...indent(indent(commands.flatMap((info) => this.#command(info)))),
      "  };",
      "  events: {",
      ...indent(indent(events.flatMap((info) => this.#event(info)))),
      "  };",
      "}",
    ];
    for (const declare of this.#pending) lines.push("", ...declare());
    return lines.join("\n") + "\n";
  }

  #command(info: CommandInfo): string[] {
    const name = nameFrom(info.name);
    const told = this.#object(info["arg-type"], "sent", `${name}Arguments`);
    const untold = UNTOLD.has(info.name) ? " & Record<string, unknown>" : "";
    const result = this.#type(info["ret-type"], "received", `${name}Result`);
    const oob = info["allow-oob"] ? ["It may be executed out of band."] : [];
    const members = `{ arguments: ${told}${untold}; returns: ${result} }`;
    return [
      ...comment([...oob, ...noteOf(info)]),
      `${propertyKey(info.name)}: ${members};`,
    ];
  }

  #event(info: EventInfo): string[] {
    const name = `${nameFrom(info.name.toLowerCase())}Data`;
    const data = this.#isEmpty(info["arg-type"])
      ? "undefined"
      : this.#object(info["arg-type"], "received", name);
    return [
      ...comment(noteOf(info)),
      `${propertyKey(info.name)}: ${data};`,
    ];
  }

  /** A type, as an expression; `name` is for a type that it leads to. */
  #type(typeName: string, direction: Direction, name: string): string {
    let info = this.#index.type(typeName);
    let dimensions = 0;
    for (; info?.["meta-type"] === "array"; dimensions++) {
      if (dimensions === MAX_DIMENSIONS) return "unknown";
      info = this.#index.type(info["element-type"]);
    }
    const element = this.#single(info, direction, name);
    if (dimensions === 0) return element;
    const array = element.includes(" ") ? `(${element})[]` : `${element}[]`;
    const rest = "[]".repeat(dimensions - 1);
    return direction === "sent" ? `readonly ${array}${rest}` : array + rest;
  }

  /** A type that is not an array. */
  #single(
    info: SchemaInfo | undefined,
    direction: Direction,
    name: string,
  ): string {
    switch (info?.["meta-type"]) {
      case "builtin":
        return BUILTINS.get(info["json-type"]) ?? "unknown";
      case "enum":
        return direction === "sent"
          ? this.#enum(info, name)
          : `${this.#enum(info, name)} | Other`;
      case "alternate":
        return this.#declared(
          `${direction} ${info.name}`,
          () => name,
          (given) => this.#alternate(info, direction, given),
        );
      case "object":
        return this.#object(info.name, direction, name);
      default: // A kind of type that is newer than this code.
        return "unknown";
    }
  }

  /** The name of an enumeration, which is the same in both directions. */
  #enum(info: EnumInfo, name: string): string {
    return this.#declared(
      `enum ${info.name}`,
      () => documentedName(info) ?? name,
      (given) => unionDeclaration(given, valuesOf(info).map(literal)),
    );
  }

  /** The name of an object's type. */
  #object(typeName: string, direction: Direction, name: string): string {
    const info = this.#index.get("object", typeName);
    if (!info) return "object";
    if (this.#isEmpty(typeName)) {
      const member = direction === "sent" ? "never" : "unknown";
      return `Record<string, ${member}>`;
    }
    return this.#declared(
      `${direction} ${typeName}`,
      () => name,
      (given) => this.#declaration(info, direction, given),
    );
  }

  /** The name of a type, which is declared when it is used for the first time. */
  #declared(
    key: string,
    wanted: () => string,
    declare: (name: string) => string[],
  ): string {
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = this.#freeName(wanted());
    this.#names.set(key, name);
    this.#pending.push(() => declare(name));
    return name;
  }

  #alternate(
    { members }: AlternateInfo,
    direction: Direction,
    name: string,
  ): string[] {
    const types = members.map(({ type }) =>
      // An alternate within an alternate could be circular.
      this.#index.get("alternate", type)
        ? "unknown"
        : this.#type(type, direction, innerName(name, "Value"))
    );
    return unionDeclaration(name, types);
  }

  #declaration(info: ObjectInfo, direction: Direction, name: string): string[] {
    const { members, tag, variants } = info;
    const unique = new Map(members.map((member) => [member.name, member]));
    if (tag !== undefined && variants) unique.delete(tag);
    const common = indent(
      [...unique.values()].flatMap((member) =>
        this.#member(member, direction, name)
      ),
    );
    const note = comment(noteOf(info));
    if (tag === undefined || !variants) {
      return [...note, `export interface ${name} {`, ...common, "}"];
    }
    const kinds = [];
    for (const [type, cases] of this.#kinds(info)) {
      const one = `{ ${propertyKey(tag)}: ${union(cases.map(literal))} }`;
      const rest = this.#isEmpty(type)
        ? ""
        : ` & ${
          this.#object(type, direction, innerName(name, cases[0] ?? ""))
        }`;
      kinds.push(`  | (${one}${rest})`);
    }
    const head = common.length > 0
      ? [`export type ${name} = {`, ...common, "} & ("]
      : [`export type ${name} = (`];
    return [
      ...note,
      ...head,
      ...(kinds.length > 0 ? kinds : ["  never"]),
      ");",
    ];
  }

  #member(member: MemberInfo, direction: Direction, parent: string): string[] {
    const name = innerName(parent, member.name);
    const type = this.#type(member.type, direction, name);
    const key = propertyKey(member.name) + (isOptional(member) ? "?" : "");
    return [...comment(noteOf(member)), `${key}: ${type};`];
  }

  /** The values of an object's tag, by the type of the members that they add. */
  #kinds({ members, tag, variants = [] }: ObjectInfo): Map<string, string[]> {
    const type = members.find(({ name }) => name === tag)?.type ?? "";
    const info = this.#index.get("enum", type);
    const types = new Map(variants.map(({ case: one, type }) => [one, type]));
    return Map.groupBy(
      info ? valuesOf(info) : types.keys(),
      (value) => types.get(value) ?? "",
    );
  }

  /** Whether a type is not an object with members. */
  #isEmpty(typeName: string): boolean {
    return !this.#index.get("object", typeName)?.members.length;
  }

  #freeName(wanted: string): string {
    let name = wanted;
    for (let n = this.#taken.get(wanted) ?? 1; this.#taken.has(name);) {
      name = `${wanted}${++n}`;
      this.#taken.set(wanted, n);
    }
    this.#taken.set(name, 1);
    return name;
  }
}

const HEADER = `// Made by qmp/generate.ts: do not edit.

/** An integer: a \`bigint\` where a number would not be exact. */
export type Integer = number | bigint;

/** A value of a newer server, beside the values that are known. */
export type Other = string & Record<never, never>;
`;

/** Commands that take more arguments than the server tells. */
const UNTOLD = new Set(["device_add"]);

const BUILTINS: ReadonlyMap<string, string> = new Map([
  ["string", "string"],
  ["int", "Integer"],
  ["number", "number | bigint"],
  ["boolean", "boolean"],
  ["null", "null"],
  ["value", "unknown"],
]);
