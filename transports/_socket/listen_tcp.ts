import { formatAddress } from "../address.ts";
import type {
  ListenTcpOptions,
  NetEnd,
  System,
  TcpListener,
} from "../_system/system.ts";
import { systemErrors } from "../_util/system_errors.ts";
import { AcceptQueue } from "./accept_queue.ts";

/** How often another free port is tried, where one of two families has it. */
const ATTEMPTS = 20;

/**
 * Listens with a system, which binds the first address of a name. `localhost` has two
 * (RFC 6761 §6.3), and clients take either: both are bound, at the same port.
 *
 * @returns A listener whose `addr` is the first address.
 */
export async function listenTcp(
  system: System,
  options: ListenTcpOptions,
): Promise<TcpListener> {
  if (!isLocalhost(options.hostname)) return await system.listenTcp(options);
  for (let attempt = 1;; attempt++) {
    const first = await system.listenTcp(options);
    try {
      const second = await listenBeside(system, first.addr, options);
      if (!second) return first;
      const queue = new AcceptQueue([first, second]);
      return {
        addr: first.addr,
        accept: () => queue.accept(),
        close: () => queue.close(),
      };
    } catch (error) {
      await first.close();
      const taken = error instanceof systemErrors.AddrInUse;
      if (!taken || options.port !== 0 || attempt === ATTEMPTS) throw error;
    }
  }
}

/** The permission flags for listening at a name, if it is `localhost`. */
export function listenFlags(hostname: string, others: string): string {
  return isLocalhost(hostname)
    ? "--allow-net=localhost,127.0.0.1,[::1]"
    : others;
}

function isLocalhost(hostname: string): boolean {
  return hostname.toLowerCase() === "localhost";
}

/** Listens at the loopback address of the other family, if the system has it. */
async function listenBeside(
  system: System,
  { hostname, port }: NetEnd,
  options: ListenTcpOptions,
): Promise<TcpListener | undefined> {
  const other = hostname.includes(":") ? "127.0.0.1" : "::1";
  try {
    return await system.listenTcp({ ...options, hostname: other, port });
  } catch (error) {
    if (isWithoutFamily(error)) return undefined;
    if (!(error instanceof systemErrors.AddrInUse)) throw error;
    const name = formatAddress({ transport: "tcp", hostname: other, port });
    throw new systemErrors.AddrInUse(`${name} is in use`, { cause: error });
  }
}

/** The family has no loopback address, or the system's kernel is without it. */
function isWithoutFamily(error: unknown): boolean {
  return error instanceof systemErrors.AddrNotAvailable ||
    error instanceof Error && Reflect.get(error, "code") === "EAFNOSUPPORT";
}
