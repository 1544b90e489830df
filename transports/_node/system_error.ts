import { getSystemErrorMap } from "node:util";
import { systemErrors } from "../_util/system_errors.ts";

/** The kinds of the system's codes, where they have one. */
const KINDS: Readonly<Record<string, keyof typeof systemErrors>> = {
  EACCES: "PermissionDenied",
  EADDRINUSE: "AddrInUse",
  EADDRNOTAVAIL: "AddrNotAvailable",
  EAGAIN: "WouldBlock",
  ECONNABORTED: "ConnectionAborted",
  ECONNREFUSED: "ConnectionRefused",
  ECONNRESET: "ConnectionReset",
  EEXIST: "AlreadyExists",
  EISDIR: "IsADirectory",
  ELOOP: "FilesystemLoop",
  ENETUNREACH: "NetworkUnreachable",
  ENOENT: "NotFound",
  ENOTDIR: "NotADirectory",
  EPERM: "PermissionDenied",
  EPIPE: "BrokenPipe",
  ETIMEDOUT: "TimedOut",
};

/** What the codes mean, also that of `getaddrinfo()` which has no number. */
const TEXTS = new Map<unknown, string>([
  ...getSystemErrorMap().values(),
  ["ENOTFOUND", "unknown host"],
]);

/**
 * An error of Node's as `Deno` has it: the class says its kind, and the message
 * has neither call nor path, as in `connection refused (ECONNREFUSED)`. The
 * `code` is kept.
 */
export function systemError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(`${error}`);
  const code = String(Reflect.get(error, "code"));
  const text = TEXTS.get(code);
  if (text !== undefined) {
    const kind = KINDS[code];
    const Kind = kind ? systemErrors[kind] : Error;
    const known = new Kind(`${text} (${code})`, { cause: error });
    return Object.assign(known, { code });
  }
  // The classes of Node's own errors cannot be made again with another message.
  return error.constructor === Error || !("code" in error)
    ? error
    : Object.assign(new Error(error.message, { cause: error }), { code });
}
