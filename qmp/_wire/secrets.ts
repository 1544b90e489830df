/**
 * Names of members that are secrets; names that end in `-secret` are ids. The last
 * four are the contents of files, and the input and output of programs, in a guest.
 */
const SECRET_NAME =
  /(passw(or)?d|passphrase|cookie|^secret|\.secret|^buf-b64|^input-data|^out-data|^err-data)$/i;

/** The same names within a text, before a value, with the rest of the text. */
const SECRET_IN_TEXT =
  /((?:passw(?:or)?d|passphrase|cookie|(?<![\w-])secret)\\*["']?\s*[=:]).*/is;

/** The password in a URL's authority (RFC 3986 §3.2.1). */
const URL_PASSWORD = /(:\/\/[^\s/?#:@]*:)[^\s/?#]*@/g;

/** The password in an address of libiscsi: `iscsi://user%password@host`. */
const ISCSI_PASSWORD = /(iscsi:\/\/[^\s/?#%@]*%)[^\s/?#]*@/g;

/** The key in a file name of RBD: `rbd:pool/image:key=…`. */
const RBD_KEY = /(:key=)(?:\\.|[^:\s])*/g;

/** Words that mark a line of the human monitor that may contain a secret. */
const SECRET_WORD = /passw|passphrase|secret|cookie/i;

/** Names of members that contain the id of a secret object, not a secret. */
const SECRET_ID = /(?:passw(?:or)?d|\w)-secret\b/gi;

/** Replaces a secret. */
export const REDACTED = "<redacted>";

/** Whether a member with this name is a secret in every object. */
export function isSecretName(name: unknown): boolean {
  return typeof name === "string" && SECRET_NAME.test(name);
}

/** Whether a property of a QEMU object with this name is a secret. */
export function isSecretProperty(name: unknown): boolean {
  return name === "data" || isSecretName(name);
}

/**
 * A text without the passwords in its URLs and file names. The text is cut off at
 * the first member with a secret's name.
 */
export function redactText(text: string): string {
  const plain = text
    .replace(SECRET_IN_TEXT, `$1${REDACTED}`)
    .replace(URL_PASSWORD, `$1${REDACTED}@`)
    .replace(ISCSI_PASSWORD, `$1${REDACTED}@`);
  return plain.includes("rbd:")
    ? plain.replace(RBD_KEY, `$1${REDACTED}`)
    : plain;
}

/**
 * A line of the human monitor. Only the monitor knows which of its words are
 * secrets, so only the command is kept of a line that may contain one.
 */
export function redactLine(line: string): string {
  const setsData = /\bqom-[gs]et\b/.test(line) && /\bdata\b/.test(line);
  return SECRET_WORD.test(line) || setsData
    ? line.replace(/^(\s*\S+).*/s, `$1 ${REDACTED}`)
    : redactText(line);
}

/** Whether a typed line may contain a secret. */
export function mayHaveSecret(line: string): boolean {
  const text = line.replace(SECRET_ID, "");
  return redactLine(text) !== text;
}
