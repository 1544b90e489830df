/** What `query-qmp-schema` says of a command, an event or a type. */
export type SchemaInfo =
  | CommandInfo
  | EventInfo
  | BuiltinInfo
  | ArrayInfo
  | EnumInfo
  | AlternateInfo
  | ObjectInfo;

/** What may be said of anything. */
interface Info {
  readonly name: string;
  /** What is special about it, such as `deprecated`. */
  readonly features?: readonly string[];
}

export interface CommandInfo extends Info {
  readonly "meta-type": "command";
  readonly "arg-type": string;
  readonly "ret-type": string;
  readonly "allow-oob"?: boolean;
}

export interface EventInfo extends Info {
  readonly "meta-type": "event";
  readonly "arg-type": string;
}

export interface BuiltinInfo extends Info {
  readonly "meta-type": "builtin";
  readonly "json-type": string;
}

export interface ArrayInfo extends Info {
  readonly "meta-type": "array";
  readonly "element-type": string;
}

export interface EnumInfo extends Info {
  readonly "meta-type": "enum";
  /** Before QEMU 6.2 there are `values` alone, and later both. */
  readonly members?: readonly Info[];
  readonly values?: readonly string[];
}

/** One of several types that the JSON text tells apart. */
export interface AlternateInfo extends Info {
  readonly "meta-type": "alternate";
  readonly members: readonly { readonly type: string }[];
}

export interface ObjectInfo extends Info {
  readonly "meta-type": "object";
  readonly members: readonly MemberInfo[];
  /** The member whose value says which of the variants it is. */
  readonly tag?: string;
  readonly variants?: readonly VariantInfo[];
}

export interface MemberInfo extends Info {
  readonly type: string;
  /** The member may be missing where this is there, whatever it is. */
  readonly default?: unknown;
}

export interface VariantInfo {
  readonly case: string;
  readonly type: string;
}

type MetaType = SchemaInfo["meta-type"];
type InfoOf<M extends MetaType> = Extract<SchemaInfo, { "meta-type": M }>;

/** A server's introspection, to look things up in. */
export class SchemaIndex {
  readonly #infos = new Map<string, SchemaInfo>();

  constructor(infos: readonly SchemaInfo[]) {
    for (const info of infos) this.#infos.set(info.name, info);
  }

  /** All there is of a kind, sorted by name. */
  all<M extends MetaType>(metaType: M): InfoOf<M>[] {
    return [...this.#infos.values()]
      .filter((info): info is InfoOf<M> => info["meta-type"] === metaType)
      .sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** What is said of a name, where it is of this kind. */
  get<M extends MetaType>(metaType: M, name: string): InfoOf<M> | undefined {
    const info = this.#infos.get(name);
    return info?.["meta-type"] === metaType ? info as InfoOf<M> : undefined;
  }

  /** The type that has a name. */
  type(name: string): SchemaInfo | undefined {
    return this.#infos.get(name);
  }
}

/** Whether a member may be missing. */
export function isOptional(member: MemberInfo): boolean {
  return "default" in member;
}

/** The values of an enumeration. */
export function valuesOf(info: EnumInfo): readonly string[] {
  return info.members?.map(({ name }) => name) ?? info.values ?? [];
}
