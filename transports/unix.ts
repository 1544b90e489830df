import { formatAddress } from "./address.ts";
import { denoSystem } from "./_deno/deno_system.ts";
import { osError } from "./_socket/os_error.ts";
import { retryBusy } from "./_socket/retry_busy.ts";
import { SocketConnection } from "./_socket/connection.ts";
import { SocketListener } from "./_socket/listener.ts";
import type { System } from "./_system/system.ts";
import { bindPath, removeFile } from "./_unix/bind_path.ts";
import { withoutCall } from "./_unix/errors.ts";
import { folderOf, temporaryName } from "./_unix/file.ts";
import { absolutePathTooLong, checkPathLength } from "./_unix/path_limit.ts";
import { isShort } from "./_unix/short_folder.ts";
import { checkPath, wrongNumber } from "./_util/validate.ts";
import type { Address, Transport } from "./transport.ts";

/** Options of {@linkcode unix}. */
export interface UnixOptions {
  /**
   * The path of a file, or `@` and a name in Linux's abstract namespace. A file
   * whose name begins with `@` is `./@name`.
   */
  path: string;
  /**
   * The file mode of a listener's socket: who may connect. It holds from the
   * first instant. A socket in the abstract namespace has no mode.
   *
   * @default {0o600}
   */
  mode?: number | undefined;
}

/**
 * Unix sockets.
 *
 * Listening replaces a stale socket file, left by a listener that has died. It is
 * refused with `Deno.errors.AddrInUse` if a listener is there or the file is not a
 * socket. No other file is removed, even if it appears at the last moment. Closing the
 * listener removes its file, unless another file has taken its place.
 *
 * Connecting to `/run/x/s` needs `--allow-net=unix:/run/x/s
 * --allow-read=/run/x/s --allow-write=/run/x/s`. Listening makes a private
 * folder beside the socket for a moment, and needs `--allow-net
 * --allow-read=/run/x --allow-write=/run/x`, or `--allow-all` if the folder's
 * path has more than 90 bytes. An abstract name needs `--allow-net`.
 *
 * A path may have 107 bytes on Linux and 103 on macOS. `connect()` and
 * `listen()` reject with a `RangeError` if it has more.
 *
 * @throws {TypeError} An option has the wrong type, or `path` is empty or has a NUL
 * in it.
 * @throws {RangeError} `mode` is not an integer from 0 to 0o777.
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
  return unixOf(denoSystem, options);
}

/** {@linkcode unix} with the sockets and files of a system. */
export function unixOf(system: System, options: UnixOptions): Transport {
  const { path, mode = 0o600 } = options;
  checkPath(path);
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) {
    throw wrongNumber("mode", mode, "an integer from 0 to 0o777");
  }
  const abstract = path.startsWith("@");
  const raw = abstract ? `\0${path.slice(1)}` : path;
  const named: Address = { transport: "unix", path };
  const anonymous: Address = { transport: "unix", path: "" };
  const name = formatAddress(named);

  return {
    async connect({ signal } = {}) {
      try {
        checkPathLength(path);
        // A listener whose queue is full refuses for the moment.
        const socket = await retryBusy(() => system.connectUnix(raw), signal);
        const connection = new SocketConnection(socket, anonymous, named);
        if (signal?.aborted) connection.abort();
        signal?.throwIfAborted();
        return connection;
      } catch (error) {
        signal?.throwIfAborted();
        const cause = error instanceof TypeError
          ? absolutePathTooLong(path, error)
          : error;
        throw osError(`Connect to ${name}`, cause, connectFlags(path));
      }
    },
    async listen({ signal } = {}) {
      signal?.throwIfAborted();
      try {
        checkPathLength(path);
        const { listener: socket, file } = abstract
          ? { listener: await system.listenUnix(raw), file: undefined }
          : await bindPath(system, path, mode, signal);
        const listener = new SocketListener({
          accept: async () =>
            new SocketConnection(await socket.accept(), named, anonymous, {
              name,
            }),
          close: async () => {
            try {
              // While it is open, no other file is given its file's number.
              if (file) await removeFile(system.files, path, file);
            } catch (error) {
              throw osError(
                `Close the listener at ${name}`,
                withoutCall(error),
              );
            } finally {
              await socket.close();
            }
          },
        }, named);
        if (signal?.aborted) await listener.close();
        signal?.throwIfAborted();
        return listener;
      } catch (error) {
        signal?.throwIfAborted();
        const cause = withoutCall(error);
        throw osError(`Listen at ${name}`, cause, listenFlags(path));
      }
    },
    toString: () => name,
  };
}

function connectFlags(path: string): string {
  if (path.startsWith("@")) return "--allow-net";
  const net = path.startsWith("/") ? `=unix:${path}` : "";
  return `--allow-net${net} --allow-read=${path} --allow-write=${path}`;
}

function listenFlags(path: string): string {
  if (path.startsWith("@")) return "--allow-net";
  const folder = folderOf(path);
  if (!isShort(folder + temporaryName())) return "--allow-all";
  const files = folder.replace(/(?<=.)\/$/, "");
  return `--allow-net --allow-read=${files} --allow-write=${files}`;
}
