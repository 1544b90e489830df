import type { QMPMembers, QMPType } from "../command.ts";
import type { QMPMessage } from "../messages.ts";
import { basicTypes, isArrayType, memberOf } from "./types.ts";

/** The declared types of a command. */
export interface DeclaredCommand {
  arguments?: QMPMembers | undefined;
  returns?: QMPType | undefined;
  oob?: boolean | undefined;
}

/**
 * The answer to `query-qmp-schema`: commands and events by their names, and the
 * types that they use, whose names are numbers without meaning.
 */
export function introspect(
  commands: ReadonlyMap<string, DeclaredCommand>,
  events: Readonly<Record<string, QMPMembers>>,
): QMPMessage[] {
  const types = new TypeNames();
  const entities: QMPMessage[] = [];
  for (const [name, { arguments: args, returns, oob }] of commands) {
    entities.push({
      name,
      "meta-type": "command",
      "arg-type": types.nameOf(args ?? {}),
      "ret-type": types.nameOf(returns ?? "any"),
      ...(oob ? { "allow-oob": true } : {}),
    });
  }
  for (const [name, members] of Object.entries(events)) {
    const argType = types.nameOf(members);
    entities.push({ name, "meta-type": "event", "arg-type": argType });
  }
  return [...entities, ...types.infos];
}

/** The types, and their names. */
class TypeNames {
  readonly infos: QMPMessage[] = [];
  /** The names of the types, by their JSON text. */
  readonly #names = new Map<string, string>();

  nameOf(type: QMPType): string {
    const key = JSON.stringify(type);
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const info = this.#infoOf(type);
    this.#names.set(key, info.name);
    this.infos.push(info);
    return info.name;
  }

  #infoOf(type: QMPType): QMPMessage & { name: string } {
    if (typeof type === "string") {
      const { jsonType } = basicTypes[type];
      return { name: type, "meta-type": "builtin", "json-type": jsonType };
    }
    if (isArrayType(type)) {
      const element = this.nameOf(type[0]);
      return {
        name: `[${element}]`,
        "meta-type": "array",
        "element-type": element,
      };
    }
    const members = Object.entries(type).map(([member, type]) => {
      const { name, optional } = memberOf(member);
      const described = { name, type: this.nameOf(type) };
      return optional ? { ...described, default: null } : described;
    });
    const name = String(this.infos.length);
    return { name, "meta-type": "object", members };
  }
}
