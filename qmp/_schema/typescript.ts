import {
  type CommandInfo,
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
  nameFrom,
  noteOf,
  propertyKey,
  union,
} from "./typescript_text.ts";

/** What is sent to a server is just what it knows; what it sends may be more. */
type Direction = "sent" | "received";

/**
 * TypeScript that exports a type `Schema`, for `QMPClient<Schema>`, made of what
 * `query-qmp-schema` has answered.
 *
 * The types of objects get names of where they are met first: those that the
 * server gives mean nothing, and change from version to version.
 */
export function typescriptOf(
  infos: readonly SchemaInfo[],
  source: string,
): string {
  return new Writer(new SchemaIndex(infos)).write(source);
}

class Writer {
  readonly #index: SchemaIndex;
  /** The names that are given, by what for: `sent 12` or `received 12`. */
  readonly #names = new Map<string, string>();
  readonly #taken = new Set(["Schema", "Integer", "Other"]);
  /** Declarations yet to be written: those that are nearest to a command first. */
  readonly #pending: (() => string)[] = [];

  constructor(index: SchemaIndex) {
    this.#index = index;
  }

  write(source: string): string {
    const commands = this.#index.all("command").map((info) =>
      this.#command(info)
    );
    const events = this.#index.all("event").map((info) => this.#event(info));
    const schema = `${comment([source])}export interface Schema {\n` +
      `commands: {\n${commands.join("\n")}\n};\n` +
      `events: {\n${events.join("\n")}\n};\n}`;
    const declarations = [HEADER, schema];
    for (const declare of this.#pending) declarations.push(declare());
    return indent(declarations.join("\n\n")) + "\n";
  }

  #command(info: CommandInfo): string {
    const name = nameFrom(info.name);
    const told = this.#object(info["arg-type"], "sent", `${name}Arguments`);
    const untold = UNTOLD.has(info.name) ? " & Record<string, unknown>" : "";
    const result = this.#type(info["ret-type"], "received", `${name}Result`);
    const oob = info["allow-oob"] ? ["It may be executed out of band."] : [];
    const members = `{ arguments: ${told}${untold}; returns: ${result} }`;
    return comment([...oob, ...noteOf(info)]) +
      `${propertyKey(info.name)}: ${members};`;
  }

  #event(info: EventInfo): string {
    const name = `${nameFrom(info.name.toLowerCase())}Data`;
    const data = this.#isEmpty(info["arg-type"])
      ? "undefined"
      : this.#object(info["arg-type"], "received", name);
    return `${comment(noteOf(info))}${propertyKey(info.name)}: ${data};`;
  }

  /** A type, as an expression; `name` is for the object that it may lead to. */
  #type(typeName: string, direction: Direction, name: string): string {
    const info = this.#index.type(typeName);
    switch (info?.["meta-type"]) {
      case "builtin":
        return BUILTINS[info["json-type"]] ?? "unknown";
      case "array": {
        const element = this.#type(info["element-type"], direction, name);
        const array = element.includes(" ") ? `(${element})[]` : `${element}[]`;
        return direction === "sent" ? `readonly ${array}` : array;
      }
      case "enum": {
        const values = valuesOf(info).map((value) => JSON.stringify(value));
        return union(direction === "sent" ? values : [...values, "Other"]);
      }
      case "alternate":
        return union(
          info.members.map(({ type }) => this.#type(type, direction, name)),
        );
      case "object":
        return this.#object(typeName, direction, name);
      default: // A kind of type that is newer than this.
        return "unknown";
    }
  }

  /** The name of an object's type, which is declared where it was not yet. */
  #object(typeName: string, direction: Direction, name: string): string {
    const info = this.#index.get("object", typeName);
    if (!info) return "object";
    if (this.#isEmpty(typeName)) {
      const member = direction === "sent" ? "never" : "unknown";
      return `Record<string, ${member}>`;
    }
    const key = `${direction} ${typeName}`;
    const known = this.#names.get(key);
    if (known) return known;
    const given = this.#freeName(name);
    this.#names.set(key, given);
    this.#pending.push(() => this.#declaration(info, direction, given));
    return given;
  }

  #declaration(info: ObjectInfo, direction: Direction, name: string): string {
    const { members, tag, variants } = info;
    const common = members.filter((member) => member.name !== tag)
      .map((member) => this.#member(member, direction, name)).join("\n");
    const note = comment(noteOf(info));
    if (tag === undefined || !variants) {
      return `${note}export interface ${name} {\n${common}\n}`;
    }
    const kinds = [];
    for (const [type, cases] of this.#kinds(info)) {
      const one = `{ ${propertyKey(tag)}: ${union(cases.map(quote))} }`;
      kinds.push(
        this.#isEmpty(type)
          ? one
          : `(${one} & ${
            this.#object(type, direction, name + nameFrom(cases[0] ?? ""))
          })`,
      );
    }
    const base = common && `{\n${common}\n} & `;
    return `${note}export type ${name} = ${base}(\n${union(kinds)}\n);`;
  }

  #member(member: MemberInfo, direction: Direction, parent: string): string {
    const name = parent + nameFrom(member.name);
    const type = this.#type(member.type, direction, name);
    const key = propertyKey(member.name) + (isOptional(member) ? "?" : "");
    return `${comment(noteOf(member))}${key}: ${type};`;
  }

  /** The values of an object's tag, by the type of what there is beside it. */
  #kinds({ members, tag, variants = [] }: ObjectInfo): Map<string, string[]> {
    const type = members.find(({ name }) => name === tag)?.type ?? "";
    const info = this.#index.get("enum", type);
    const types = new Map(variants.map(({ case: one, type }) => [one, type]));
    return Map.groupBy(
      info ? valuesOf(info) : types.keys(),
      (value) => types.get(value) ?? "",
    );
  }

  /** Whether a type is none of an object that has members. */
  #isEmpty(typeName: string): boolean {
    return !this.#index.get("object", typeName)?.members.length;
  }

  #freeName(wanted: string): string {
    let name = wanted;
    for (let n = 2; this.#taken.has(name); n++) name = `${wanted}${n}`;
    this.#taken.add(name);
    return name;
  }
}

const HEADER = `// Made by qmp/generate.ts: do not edit.

/** An integer: a \`bigint\` where a number would not be exact. */
export type Integer = number | bigint;

/** What a newer server may say beside the values that are known. */
export type Other = string & Record<never, never>;`;

/** Commands that take arguments which the server does not tell. */
const UNTOLD = new Set(["device_add"]);

const BUILTINS: Record<string, string> = {
  string: "string",
  int: "Integer",
  number: "number | bigint",
  boolean: "boolean",
  null: "null",
  value: "unknown",
};

function quote(text: string): string {
  return JSON.stringify(text);
}
