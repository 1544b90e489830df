/** The kinds of errors that the system gives, and we too. */
const NAMES = [
  "AddrInUse",
  "AddrNotAvailable",
  "AlreadyExists",
  "BadResource",
  "BrokenPipe",
  "Busy",
  "ConnectionAborted",
  "ConnectionRefused",
  "ConnectionReset",
  "FilesystemLoop",
  "Interrupted",
  "InvalidData",
  "IsADirectory",
  "NetworkUnreachable",
  "NotADirectory",
  "NotCapable",
  "NotFound",
  "NotSupported",
  "PermissionDenied",
  "TimedOut",
  "UnexpectedEof",
  "WouldBlock",
] as const;

type Name = typeof NAMES[number];

/** An error of one of these kinds. */
interface SystemError extends Error {
  // Told apart from other errors by `instanceof`.
  name: Name;
}

type ErrorClass = new (message: string, options?: ErrorOptions) => SystemError;
type Classes = Readonly<Record<Name, ErrorClass>>;

const runtime = globalThis as { Deno?: { errors: Classes } };

/**
 * The classes of `Deno.errors`. Where there is no Deno, such as in a browser or in
 * Node, classes of the same names.
 */
export const systemErrors: Classes = runtime.Deno?.errors ??
  Object.fromEntries(NAMES.map((name) => [name, named(name)])) as Classes;

function named(name: Name): ErrorClass {
  return class extends Error {
    override name = name;
  };
}
