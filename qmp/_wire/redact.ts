import { isObject } from "./client_codec.ts";

const REDACTED = "<redacted>";

/** Members that are secrets wherever they are; those that end in `-secret` are ids. */
const SECRET = /(^|[-_])(passw(or)?d|passphrase|cookie)$/i;

/** Objects of QEMU that hold a secret. */
const SECRET_TYPE = /^secret/;

/** Lines of the human monitor that may have a secret in them. */
const SECRET_LINE = /passw|secret|cookie/i;

/**
 * What may be logged of a message: a copy in which no password is, nor the data
 * of a secret object; the message itself where it has none.
 */
export function redact(message: unknown): unknown {
  return redactIn(message, false);
}

function redactIn(value: unknown, inSecret: boolean): unknown {
  if (Array.isArray(value)) {
    const copy = value.map((element) => redactIn(element, inSecret));
    return copy.some((element, i) => element !== value[i]) ? copy : value;
  }
  if (!isObject(value)) return value;
  const isSecret = inSecret || SECRET_TYPE.test(String(value["qom-type"])) ||
    isSecretMember(value.property);
  let copy: Record<string, unknown> | undefined;
  for (const [name, member] of Object.entries(value)) {
    const redacted = isSecretMember(name) ||
        isSecret && (name === "data" || name === "value")
      ? REDACTED
      : name === "command-line"
      ? redactLine(member)
      : redactIn(member, isSecret);
    if (redacted !== member) (copy ??= { ...value })[name] = redacted;
  }
  return copy ?? value;
}

function isSecretMember(name: unknown): boolean {
  return typeof name === "string" && SECRET.test(name);
}

/** Which words of a line are secrets only the monitor knows: its command stays. */
function redactLine(line: unknown): unknown {
  return typeof line === "string" && SECRET_LINE.test(line)
    ? line.replace(/^(\s*\S+).*/s, `$1 ${REDACTED}`)
    : line;
}
