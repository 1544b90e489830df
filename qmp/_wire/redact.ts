import {
  isSecretName,
  isSecretProperty,
  REDACTED,
  redactLine,
  redactText,
} from "./secrets.ts";
import { setMember } from "./set_member.ts";

/** Replaces a value that throws when it is read. */
const UNREADABLE = "<unreadable>";

/** Replaces values beyond the limits below. */
const LEFT_OUT = "<left out>";

/** How many objects and arrays of a message are visited. */
const MAX_OBJECTS = 2 ** 20;

/** A longer array has no JSON text that could be sent. */
const MAX_LENGTH = 2 ** 25;

/** QEMU objects that contain a secret. */
const SECRET_TYPE = /^secret/;

/** Members that contain the secret of an object, or of a property that is set. */
const SECRET_VALUE = new Set(["data", "value", "arg"]);

/**
 * A message as it may be logged: without passwords, without the data of secret
 * objects, and without the passwords in URLs and file names. It is a copy if
 * anything is left out, else the message itself.
 *
 * It never throws, and takes time in proportion to the message.
 */
export function redact(message: unknown): unknown {
  return new Redaction().run(message);
}

/**
 * A reply as it may be logged. The command determines whether the whole result is
 * a secret.
 */
export function redactReply(reply: unknown, command: unknown): unknown {
  const redacted = redact(reply);
  if (!returnsSecret(command)) return redacted;
  return read(reply, "return") === undefined
    ? redacted
    : { id: read(redacted, "id"), return: REDACTED };
}

/** Whether a command reads a secret. */
function returnsSecret(command: unknown): boolean {
  const args = read(command, "arguments");
  const line = read(args, "command-line");
  switch (read(command, "execute") ?? read(command, "exec-oob")) {
    case "qom-get":
      return isSecretProperty(read(args, "property"));
    case "human-monitor-command":
      return typeof line === "string" && redactLine(line) !== line;
    default:
      return false;
  }
}

/** A member; `UNREADABLE` if reading it throws. */
function read(value: unknown, name: string | number): unknown {
  try {
    return Object(value)[name];
  } catch {
    return UNREADABLE;
  }
}

/** A task: an object to copy. */
interface Task {
  readonly source: object;
  readonly copy: Record<string, unknown> | unknown[];
  readonly inSecret: boolean;
}

/**
 * The copy of one message. It has a list of tasks instead of recursion, and each
 * object is copied once, so that messages may be deep, circular, or share parts.
 */
class Redaction {
  /** Whether the copy differs from the message. */
  #differs = false;
  readonly #tasks: Task[] = [];
  /** The copies of objects outside and inside of secret objects. */
  readonly #copies = { false: new Map<object, object>(), true: new Map() };

  run(message: unknown): unknown {
    const copy = this.#copy(message, false);
    for (let task = this.#tasks.pop(); task; task = this.#tasks.pop()) {
      if (Array.isArray(task.copy)) this.#copyElements(task, task.copy);
      else this.#copyMembers(task, task.copy);
    }
    return this.#differs ? copy : message;
  }

  #copy(value: unknown, inSecret: boolean): unknown {
    if (typeof value === "string") return this.#note(value, redactText(value));
    if (typeof value !== "object" || value === null) return value;
    if (ArrayBuffer.isView(value)) return value;
    const copies = this.#copies[`${inSecret}`];
    const known = copies.get(value);
    if (known) return known;
    if (copies.size >= MAX_OBJECTS) return this.#note(value, LEFT_OUT);
    try {
      const source = sentAs(value);
      if (typeof source !== "object" || source === null) {
        return typeof source === "string"
          ? this.#note(source, redactText(source))
          : source;
      }
      if (Array.isArray(source) && source.length > MAX_LENGTH) {
        return this.#note(value, LEFT_OUT);
      }
      const copy = Array.isArray(source) ? [] : {};
      copies.set(value, copy);
      this.#tasks.push({ source, copy, inSecret });
      return copy;
    } catch {
      return this.#note(value, UNREADABLE);
    }
  }

  #copyElements({ source, inSecret }: Task, copy: unknown[]): void {
    const length = Number(read(source, "length"));
    for (let at = 0; at < length && at < MAX_LENGTH; at++) {
      copy.push(this.#copyMember(source, at, inSecret));
    }
  }

  #copyMembers(task: Task, copy: Record<string, unknown>): void {
    const { source } = task;
    const inSecret = task.inSecret || isSecretObject(source);
    for (const name of this.#namesOf(source)) {
      setMember(
        copy,
        name,
        isSecretName(name) || inSecret && SECRET_VALUE.has(name)
          ? this.#note(undefined, REDACTED)
          : name === "command-line"
          ? this.#copyLine(read(source, name), inSecret)
          : this.#copyMember(source, name, inSecret),
      );
    }
  }

  #copyMember(
    source: object,
    name: string | number,
    inSecret: boolean,
  ): unknown {
    try {
      return this.#copy(Reflect.get(source, name), inSecret);
    } catch {
      return this.#note(undefined, UNREADABLE);
    }
  }

  #copyLine(line: unknown, inSecret: boolean): unknown {
    return typeof line === "string"
      ? this.#note(line, redactLine(line))
      : this.#copy(line, inSecret);
  }

  #namesOf(source: object): string[] {
    try {
      return Object.keys(source);
    } catch {
      this.#differs = true;
      return [];
    }
  }

  /** Notes whether a value differs from its place in the copy. */
  #note(value: unknown, shown: unknown): unknown {
    if (shown !== value) this.#differs = true;
    return shown;
  }
}

/** The value that JSON.stringify() uses in place of an object. */
function sentAs(value: object): unknown {
  return "toJSON" in value && typeof value.toJSON === "function"
    ? value.toJSON()
    : value;
}

/** Whether the object is a secret, or sets, changes or shows one. */
function isSecretObject(source: object): boolean {
  const type = read(source, "qom-type");
  return typeof type === "string" && SECRET_TYPE.test(type) ||
    isSecretProperty(read(source, "property")) ||
    isSecretName(read(source, "target")) ||
    isSecretProperty(read(source, "name"));
}
