/** A description in the reply to `query-qmp-schema`. */
export interface Info {
  name: string;
  "meta-type": string;
  /** The type of the arguments of a command. */
  "arg-type"?: string;
  "json-type"?: string;
  /** Of an object; of an alternate, without names. */
  members?: Member[];
  /** Of an enumeration. */
  values?: string[];
  /** The member that selects one of the variants. */
  tag?: string;
  variants?: { case: string; type: string }[];
}

/** A member of an object. */
export interface Member {
  name: string;
  type: string;
  /** It may be left out if this is present, with any value. */
  default?: unknown;
}

/** Arguments, or an object in them. */
export type Arguments = Record<string, unknown>;

/** What a machine knows, as it describes it itself. */
export class Schema {
  readonly #infos: Map<string, Info>;
  /** The names of the commands. */
  readonly commands: readonly string[];

  constructor(infos: readonly Info[] = []) {
    this.#infos = new Map(infos.map((info) => [info.name, info]));
    this.commands = infos.filter((info) => info["meta-type"] === "command")
      .map(({ name }) => name).sort();
  }

  /** The type of a command's arguments. */
  argumentsOf(command: string): string | undefined {
    return this.#infos.get(command)?.["arg-type"];
  }

  /** The members of an object, with those that a member of it brings along. */
  members(type: string | undefined, given: Arguments): Member[] {
    return this.#types(type).flatMap(({ tag = "", variants, members = [] }) => {
      const variant = variants?.find(({ case: one }) => one === given[tag]);
      return [...members, ...variant ? this.members(variant.type, given) : []];
    });
  }

  /** The type of a member, or of a member of it: of `file.driver`, say. */
  typeAt(
    type: string | undefined,
    path: readonly string[],
    given: Arguments,
  ): string | undefined {
    const [first, ...rest] = path;
    if (first === undefined) return type;
    const member = this.members(type, given).find(({ name }) => name === first);
    return this.typeAt(member?.type, rest, Object(given[first]));
  }

  /** The values that there are, if they are few. */
  values(type: string | undefined): string[] {
    return this.#types(type).flatMap((info) =>
      info["json-type"] === "boolean" ? ["true", "false"] : info.values ?? []
    );
  }

  /** The kinds of JSON values that it can have, such as `string` or `int`. */
  kinds(type: string | undefined): string[] {
    return this.#types(type).map((info) =>
      info["json-type"] ?? (info.values ? "string" : info["meta-type"])
    );
  }

  /** The type itself; of an alternate, each of its types. */
  #types(type = ""): Info[] {
    const info = this.#infos.get(type);
    if (info?.["meta-type"] !== "alternate") return info ? [info] : [];
    return (info.members ?? []).flatMap((member) => this.#types(member.type));
  }
}

/** Whether a member may be left out. */
export function isOptional(member: Member): boolean {
  return "default" in member;
}
