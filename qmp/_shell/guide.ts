import {
  type MemberInfo,
  SchemaIndex,
  type SchemaInfo,
  valuesOf,
} from "../_schema/schema_info.ts";

/** What is given so far of an object. */
export type Given = Record<string, unknown>;

/** What a server knows, as one needs it to write commands. */
export class Guide {
  readonly #index: SchemaIndex;
  /** The names of all commands. */
  readonly commands: readonly string[];

  /** Without the introspection of a server it knows nothing. */
  constructor(infos: readonly SchemaInfo[] = []) {
    this.#index = new SchemaIndex(infos);
    this.commands = this.#index.all("command").map(({ name }) => name);
  }

  /** The type of a command's arguments. */
  argumentsOf(command: string): string | undefined {
    return this.#index.get("command", command)?.["arg-type"];
  }

  /** The names of what a transaction can do. */
  get actions(): readonly string[] {
    return this.valuesOf(this.#memberType(this.#action, "type", {}));
  }

  /** The type of the data of an action, within a transaction. */
  dataOf(action: string): string | undefined {
    return this.#memberType(this.#action, "data", { type: action });
  }

  /**
   * The members of an object; `given` decides between its variants. Of an
   * alternate, the members of all objects that it can be.
   */
  membersOf(type: string | undefined, given: Given): readonly MemberInfo[] {
    const info = this.#index.type(type ?? "");
    if (info?.["meta-type"] === "alternate") {
      return info.members.flatMap(({ type }) => this.membersOf(type, given));
    }
    if (info?.["meta-type"] !== "object") return [];
    const { members, tag, variants = [] } = info;
    const chosen = variants.find(({ case: one }) =>
      tag !== undefined && one === given[tag]
    );
    return [...members, ...this.membersOf(chosen?.type, given)];
  }

  /** The type at the end of a path of members. */
  typeAt(
    type: string | undefined,
    path: readonly string[],
    given: Given,
  ): string | undefined {
    const [name, ...rest] = path;
    if (name === undefined) return type;
    const inner = this.#memberType(type, name, given);
    return this.typeAt(inner, rest, objectAt(given, [name]));
  }

  /** What a type can be as JSON, such as `string` or `int`. */
  kindsOf(type: string | undefined): readonly string[] {
    const info = this.#index.type(type ?? "");
    switch (info?.["meta-type"]) {
      case "builtin":
        return [info["json-type"]];
      case "enum":
        return ["string"];
      case "array":
      case "object":
        return [info["meta-type"]];
      case "alternate":
        return info.members.flatMap(({ type }) => this.kindsOf(type));
      default:
        return ["value"];
    }
  }

  /** The values that can be told in advance. */
  valuesOf(type: string | undefined): readonly string[] {
    const info = this.#index.type(type ?? "");
    switch (info?.["meta-type"]) {
      case "enum":
        return valuesOf(info);
      case "builtin":
        return info["json-type"] === "boolean" ? ["true", "false"] : [];
      case "alternate":
        return info.members.flatMap(({ type }) => this.valuesOf(type));
      default:
        return [];
    }
  }

  /** The type of what a transaction consists of. */
  get #action(): string | undefined {
    const type = this.#memberType(
      this.argumentsOf("transaction"),
      "actions",
      {},
    );
    return this.#index.get("array", type ?? "")?.["element-type"];
  }

  #memberType(
    type: string | undefined,
    name: string,
    given: Given,
  ): string | undefined {
    return this.membersOf(type, given).find((member) => member.name === name)
      ?.type;
  }
}

/** The object at the end of a path of members; an empty one where there is none. */
export function objectAt(given: Given, path: readonly string[]): Given {
  let object = given;
  for (const name of path) {
    const inner = object[name];
    object = typeof inner === "object" && inner !== null ? inner as Given : {};
  }
  return object;
}
