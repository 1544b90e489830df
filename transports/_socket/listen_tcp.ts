import { formatAddress } from "../address.ts";
import { AcceptQueue, type Accepts } from "./accept_queue.ts";

/** How often another free port is tried, where one of two families has it. */
const ATTEMPTS = 20;

/** A bound address that TCP connections arrive at. */
export interface TcpListener extends Accepts<Deno.TcpConn> {
  readonly addr: Deno.NetAddr;
}

/** Options of {@linkcode listenTcp}. */
export interface ListenTcpOptions {
  readonly hostname: string;
  readonly port: number;
  readonly reusePort?: boolean;
}

/**
 * `Deno.listen()`, which binds the first address of a name. `localhost` has two
 * (RFC 6761 §6.3), and clients take either: both are bound, at the same port.
 *
 * @returns A listener whose `addr` is the first address.
 */
export function listenTcp(options: ListenTcpOptions): TcpListener {
  if (!isLocalhost(options.hostname)) return listen(options);
  for (let attempt = 1;; attempt++) {
    const first = listen(options);
    try {
      const second = listenBeside(first.addr, options);
      if (!second) return first;
      const queue = new AcceptQueue([first, second]);
      return {
        addr: first.addr,
        accept: () => queue.accept(),
        close: () => queue.close(),
      };
    } catch (error) {
      first.close();
      const taken = error instanceof Deno.errors.AddrInUse;
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

/** Listens at one address. */
function listen(options: ListenTcpOptions): TcpListener {
  const listener = Deno.listen({ ...options });
  return {
    addr: listener.addr,
    close: () => listener.close(),
    async accept() {
      for (;;) {
        try {
          return await listener.accept();
        } catch (error) {
          // The peer has reset the connection while it was in the queue.
          if (!(error instanceof Deno.errors.NotConnected)) throw error;
        }
      }
    },
  };
}

function isLocalhost(hostname: string): boolean {
  return hostname.toLowerCase() === "localhost";
}

/** Listens at the loopback address of the other family, if the system has it. */
function listenBeside(
  { hostname, port }: Deno.NetAddr,
  options: ListenTcpOptions,
): TcpListener | undefined {
  const other = hostname.includes(":") ? "127.0.0.1" : "::1";
  try {
    return listen({ ...options, hostname: other, port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrNotAvailable) return undefined;
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    const name = formatAddress({ transport: "tcp", hostname: other, port });
    throw new Deno.errors.AddrInUse(`${name} is in use`, { cause: error });
  }
}
