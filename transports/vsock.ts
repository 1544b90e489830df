import { formatAddress } from "./address.ts";
import { SocketConnection } from "./_socket/connection.ts";
import { SocketListener } from "./_socket/listener.ts";
import { osError } from "./_socket/os_error.ts";
import { checkVsock } from "./_util/validate.ts";
import type { Connection, Transport, VsockAddress } from "./transport.ts";

/** Options of {@linkcode vsock}. */
export interface VsockOptions {
  /**
   * The machine: 2 is the host, 1 is this machine, a guest has a number of its
   * own, and 4294967295 listens at any.
   */
  cid: number;
  /** The port; 4294967295 listens at any free port. */
  port: number;
}

/**
 * Sockets between a virtual machine and its host (vsock(7)), on Linux and macOS.
 *
 * Deno needs its flag `--unstable-vsock`. Without the flag, connecting and
 * listening end the process, and nothing can catch that. The permission is
 * `--allow-net=vsock:CID:PORT`.
 *
 * @throws {TypeError} An option is not a number.
 * @throws {RangeError} A number is not an integer from 0 to 4294967295.
 *
 * @example A guest that connects to its host
 * ```ts ignore
 * import { vsock } from "@parley/parley/transports";
 *
 * await using connection = await vsock({ cid: 2, port: 1024 }).connect();
 * ```
 */
export function vsock(options: VsockOptions): Transport<VsockAddress> {
  const { cid, port } = options;
  checkVsock("cid", cid);
  checkVsock("port", port);
  const name = formatAddress({ transport: "vsock", cid, port });
  const flags = `--allow-net=vsock:${cid}:${port}`;

  return {
    async connect({ signal } = {}) {
      signal?.throwIfAborted();
      try {
        return connection(await dial({ cid, port }, signal));
      } catch (error) {
        signal?.throwIfAborted();
        throw osError(`Connect to ${name}`, error, flags);
      }
    },
    // deno-lint-ignore require-await -- errors of the signal and of the system reject
    async listen({ signal } = {}) {
      signal?.throwIfAborted();
      try {
        const raw = Deno.listen({ transport: "vsock", cid, port });
        return new SocketListener({
          accept: async () => connection(await raw.accept()),
          close: () => raw.close(),
        }, address(raw.addr));
      } catch (error) {
        throw osError(`Listen at ${name}`, error, flags);
      }
    },
    toString: () => name,
  };
}

/** `Deno.connect()`, which knows no signal here: what comes late is closed. */
async function dial(
  to: { cid: number; port: number },
  signal: AbortSignal | undefined,
): Promise<Deno.VsockConn> {
  const connecting = Deno.connect({ transport: "vsock", ...to });
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  signal?.addEventListener("abort", abort);
  try {
    return await Promise.race([connecting, aborted.promise]);
  } catch (error) {
    connecting.then((late) => late.close(), () => {});
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

function connection(raw: Deno.VsockConn): Connection<VsockAddress> {
  return new SocketConnection(
    raw,
    address(raw.localAddr),
    address(raw.remoteAddr),
  );
}

function address({ cid, port }: Deno.VsockAddr): VsockAddress {
  return { transport: "vsock", cid, port };
}
