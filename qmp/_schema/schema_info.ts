/** The description of a command, an event or a type by `query-qmp-schema`. */
export type SchemaInfo =
  | CommandInfo
  | EventInfo
  | BuiltinInfo
  | ArrayInfo
  | EnumInfo
  | AlternateInfo
  | ObjectInfo;

/** The members of every description. */
interface Info {
  readonly name: string;
  /** Marks such as `deprecated`. */
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
  /** Before QEMU 6.2 there are only `values`; later there are both. */
  readonly members?: readonly Info[];
  readonly values?: readonly string[];
}

/** One of several types, which differ in their kind of JSON value. */
export interface AlternateInfo extends Info {
  readonly "meta-type": "alternate";
  /** QEMU allows no alternate here. */
  readonly members: readonly { readonly type: string }[];
}

export interface ObjectInfo extends Info {
  readonly "meta-type": "object";
  readonly members: readonly MemberInfo[];
  /** The member whose value selects one of the variants. */
  readonly tag?: string;
  readonly variants?: readonly VariantInfo[];
}

export interface MemberInfo extends Info {
  readonly type: string;
  /** The member is optional if this is present, with any value. */
  readonly default?: unknown;
}

export interface VariantInfo {
  readonly case: string;
  readonly type: string;
}

type MetaType = SchemaInfo["meta-type"];
type InfoOf<M extends MetaType> = Extract<SchemaInfo, { "meta-type": M }>;

/** A server's schema, indexed by name. */
export class SchemaIndex {
  readonly #infos = new Map<string, SchemaInfo>();

  constructor(infos: readonly SchemaInfo[]) {
    for (const info of infos) this.#infos.set(info.name, info);
  }

  /** All descriptions of a kind, sorted by name. */
  all<M extends MetaType>(metaType: M): InfoOf<M>[] {
    return [...this.#infos.values()]
      .filter((info): info is InfoOf<M> => info["meta-type"] === metaType)
      .sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** The description with a name, if it is of this kind. */
  get<M extends MetaType>(metaType: M, name: string): InfoOf<M> | undefined {
    const info = this.#infos.get(name);
    return info?.["meta-type"] === metaType ? info as InfoOf<M> : undefined;
  }

  /** The type with a name. */
  type(name: string): SchemaInfo | undefined {
    return this.#infos.get(name);
  }
}

/** Whether a member may be missing. */
export function isOptional(member: MemberInfo): boolean {
  return Object.hasOwn(member, "default");
}

/** The values of an enumeration. */
export function valuesOf(info: EnumInfo): readonly string[] {
  return info.members?.map(({ name }) => name) ?? info.values ?? [];
}
