import { formatAddress } from "./address.ts";
import { osError } from "./_socket/os_error.ts";
import { retryBusy } from "./_socket/retry_busy.ts";
import { SocketConnection } from "./_socket/connection.ts";
import { SocketListener } from "./_socket/listener.ts";
import { bindPath, fileAt } from "./_unix/bind_path.ts";
import { checkPath, show } from "./_util/validate.ts";
import type { Address, Transport } from "./transport.ts";

/** Options of {@linkcode unix}. */
export interface UnixOptions {
  /** A file, or `@` and a name without `/` in Linux's abstract namespace. */
  path: string;
  /**
   * The file mode of a listener's socket: who may connect. It holds from the
   * first instant. A socket in the abstract namespace has none.
   *
   * @default {0o600}
   */
  mode?: number;
}

/**
 * Unix sockets.
 *
 * Listening takes over the file of a dead listener, and is refused with
 * `Deno.errors.AddrInUse` where somebody is listening or the file is no socket.
 * Closing the listener removes its file, unless another has taken its place.
 *
 * Connecting to `/run/x/s` needs `--allow-net=unix:/run/x/s
 * --allow-read=/run/x/s --allow-write=/run/x/s`; listening makes a private
 * folder beside it for a moment, and needs `--allow-net --allow-read=/run/x
 * --allow-write=/run/x`.
 *
 * @throws {TypeError} `path` is no text, is empty or has a NUL in it.
 * @throws {RangeError} `mode` is no integer from 0 to 0o777.
 *
 * @example One connection
 * ```ts
 * import { unix } from "@parley/parley/transports";
 * import { toText } from "@std/streams";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * {
 *   const transport = unix({ path: `${folder}/socket` });
 *   await using listener = await transport.listen();
 *   await using client = await transport.connect();
 *   await using server = await listener.accept();
 *   await new Response("hello").body?.pipeTo(client.writable);
 *   assertEquals(await toText(server.readable), "hello");
 * }
 * await Deno.remove(folder); // empty: the listener has removed its file
 * ```
 */
export function unix(options: UnixOptions): Transport {
  const { path, mode = 0o600 } = options;
  checkPath(path);
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) {
    throw new RangeError(
      `mode is ${show(mode)}: it must be an integer from 0 to 0o777`,
    );
  }
  const named: Address = { transport: "unix", path };
  const anonymous: Address = { transport: "unix", path: "" };
  const name = formatAddress(named);

  return {
    async connect({ signal } = {}) {
      try {
        // A listener whose queue is full refuses for the moment.
        const raw = await retryBusy(
          () => Deno.connect({ transport: "unix", path }),
          signal,
        );
        const connection = new SocketConnection(raw, anonymous, named);
        if (signal?.aborted) connection.abort();
        signal?.throwIfAborted();
        return connection;
      } catch (error) {
        signal?.throwIfAborted();
        throw osError(`Connect to ${name}`, error, connectFlags(path));
      }
    },
    async listen({ signal } = {}) {
      signal?.throwIfAborted();
      try {
        const { listener: raw, file } = path.startsWith("@")
          ? { listener: Deno.listen({ transport: "unix", path }) }
          : await bindPath(path, mode, signal);
        const listener = new SocketListener({
          accept: async () =>
            new SocketConnection(await raw.accept(), named, anonymous),
          close: async () => {
            try {
              // While it is open, no other file is given its file's number.
              if (file && await fileAt(path) === file) await Deno.remove(path);
            } finally {
              raw.close();
            }
          },
        }, named);
        if (signal?.aborted) await listener.close();
        signal?.throwIfAborted();
        return listener;
      } catch (error) {
        signal?.throwIfAborted();
        throw osError(`Listen at ${name}`, error, listenFlags(path));
      }
    },
    toString: () => name,
  };
}

function connectFlags(path: string): string {
  const net = path.startsWith("/") ? `=unix:${path}` : "";
  return `--allow-net${net} --allow-read=${path} --allow-write=${path}`;
}

function listenFlags(path: string): string {
  const folder = path.startsWith("@") ? path : path.replace(/\/?[^/]*$/, "");
  const files = folder || (path.startsWith("/") ? "/" : ".");
  return `--allow-net --allow-read=${files} --allow-write=${files}`;
}
