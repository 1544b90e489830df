import { systemErrors } from "../_util/system_errors.ts";

/** The kinds of the system's codes, and what the codes mean. */
const KINDS: Readonly<Record<string, [keyof typeof systemErrors, string]>> = {
  EACCES: ["PermissionDenied", "permission denied"],
  EADDRINUSE: ["AddrInUse", "address in use"],
  EADDRNOTAVAIL: ["AddrNotAvailable", "address not available"],
  EAGAIN: ["WouldBlock", "resource temporarily unavailable"],
  ECONNABORTED: ["ConnectionAborted", "connection aborted"],
  ECONNREFUSED: ["ConnectionRefused", "connection refused"],
  ECONNRESET: ["ConnectionReset", "connection reset by the peer"],
  EEXIST: ["AlreadyExists", "file exists"],
  EISDIR: ["IsADirectory", "is a directory"],
  ELOOP: ["FilesystemLoop", "too many levels of symbolic links"],
  ENETUNREACH: ["NetworkUnreachable", "network unreachable"],
  ENOENT: ["NotFound", "no such file or directory"],
  ENOTDIR: ["NotADirectory", "not a directory"],
  EPERM: ["PermissionDenied", "operation not permitted"],
  EPIPE: ["BrokenPipe", "broken pipe"],
  ETIMEDOUT: ["TimedOut", "connection timed out"],
};

/**
 * An error of Node's as `Deno` has it: the class says its kind, and the message
 * has neither call nor path, as in `connection refused (ECONNREFUSED)`. The
 * `code` is kept.
 */
export function systemError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(`${error}`);
  const code = String(Reflect.get(error, "code"));
  const [kind, text] = KINDS[code] ?? [];
  if (kind) {
    const known = new systemErrors[kind](`${text} (${code})`, { cause: error });
    return Object.assign(known, { code });
  }
  // The classes of Node's own errors cannot be made again with another message.
  return error.constructor === Error || !("code" in error)
    ? error
    : Object.assign(new Error(error.message, { cause: error }), { code });
}
