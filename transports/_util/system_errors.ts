/** The errors that a transport without a system has in common with others. */
type Name =
  | "AddrInUse"
  | "BadResource"
  | "BrokenPipe"
  | "ConnectionRefused"
  | "ConnectionReset";

type ErrorClass = new (message: string, options?: ErrorOptions) => Error;

const runtime = globalThis as { Deno?: { errors: Record<Name, ErrorClass> } };

/**
 * The classes of `Deno.errors`, so that a connection in memory fails as a socket
 * does. Elsewhere, such as in a browser, classes of the same names.
 */
export const systemErrors: Record<Name, ErrorClass> = runtime.Deno?.errors ?? {
  AddrInUse: named("AddrInUse"),
  BadResource: named("BadResource"),
  BrokenPipe: named("BrokenPipe"),
  ConnectionRefused: named("ConnectionRefused"),
  ConnectionReset: named("ConnectionReset"),
};

function named(name: Name): ErrorClass {
  return class extends Error {
    override name = name;
  };
}
