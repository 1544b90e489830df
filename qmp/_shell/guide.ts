import {
  type MemberInfo,
  type ObjectInfo,
  SchemaIndex,
  type SchemaInfo,
  valuesOf,
} from "../_schema/schema_info.ts";

/** The arguments that are given so far, or the members of one. */
export type Given = Record<string, unknown>;

/** A server's schema, for reading and completing commands. */
export class Guide {
  readonly #index: SchemaIndex;
  /** Whether types have members; cached, as a type is used in many places. */
  readonly #hasMembers = new Map<string, boolean>();
  /** The names of all commands. */
  readonly commands: readonly string[];

  /** Without a schema, nothing is known. */
  constructor(infos: readonly SchemaInfo[] = []) {
    this.#index = new SchemaIndex(infos);
    this.commands = this.#index.all("command").map(({ name }) => name);
  }

  /** The type of a command's arguments. */
  argumentsOf(command: string): string | undefined {
    return this.#index.get("command", command)?.["arg-type"];
  }

  /** The names of the actions of a transaction. */
  get actions(): readonly string[] {
    return this.valuesOf(this.#memberType(this.#action, "type", {}));
  }

  /** The type of the data of an action, within a transaction. */
  dataOf(action: string): string | undefined {
    return this.#memberType(this.#action, "data", { type: action });
  }

  /**
   * The members of an object; `given` selects its variants. An alternate has
   * the members of all its objects.
   */
  membersOf(type: string | undefined, given: Given): readonly MemberInfo[] {
    const found = new Map<string, readonly MemberInfo[]>();
    for (const branch of this.#branches(type)) {
      let info = this.#index.get("object", branch);
      while (info && !found.has(info.name)) {
        found.set(info.name, info.members);
        info = this.#index.get("object", variantOf(info, given));
      }
    }
    return [...found.values()].flat();
  }

  /** Whether a type is an object that has members, or can be one. */
  hasMembers(type: string): boolean {
    const known = this.#hasMembers.get(type);
    if (known !== undefined) return known;
    const has = this.#branches(type).some((branch) =>
      this.#index.get("object", branch)?.members.length
    );
    this.#hasMembers.set(type, has);
    return has;
  }

  /** The type at the end of a path of members. */
  typeAt(
    type: string | undefined,
    path: readonly string[],
    given: Given,
  ): string | undefined {
    let at = type;
    let object = given;
    for (const name of path) {
      at = this.#memberType(at, name, object);
      object = objectAt(object, [name]);
    }
    return at;
  }

  /** The kinds of JSON values of a type, such as `string` or `int`. */
  kindsOf(type: string | undefined): readonly string[] {
    return this.#branches(type).map((branch) => {
      const info = this.#index.type(branch);
      switch (info?.["meta-type"]) {
        case "builtin":
          return info["json-type"];
        case "enum":
          return "string";
        case "array":
        case "object":
          return info["meta-type"];
        default:
          return "value";
      }
    });
  }

  /** The known values of a type. */
  valuesOf(type: string | undefined): readonly string[] {
    return this.#branches(type).flatMap((branch) => {
      const info = this.#index.type(branch);
      if (info?.["meta-type"] === "enum") return valuesOf(info);
      const isBoolean = info?.["meta-type"] === "builtin" &&
        info["json-type"] === "boolean";
      return isBoolean ? ["true", "false"] : [];
    });
  }

  /** The types that a value can have: one, unless the type is an alternate. */
  #branches(type = ""): readonly string[] {
    const info = this.#index.get("alternate", type);
    const types = info?.members.map((member) => member.type) ?? [type];
    return [...new Set(types)];
  }

  /** The type of an action of a transaction. */
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

/** The type of the variant that the value of the tag selects. */
function variantOf({ tag, variants = [] }: ObjectInfo, given: Given): string {
  const value = tag === undefined ? undefined : memberOf(given, tag);
  return variants.find(({ case: one }) => one === value)?.type ?? "";
}

/** The object at the end of a path of members, or an empty object. */
export function objectAt(given: Given, path: readonly string[]): Given {
  let object = given;
  for (const name of path) {
    const inner = memberOf(object, name);
    object = typeof inner === "object" && inner !== null ? inner as Given : {};
  }
  return object;
}

function memberOf(object: Given, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
