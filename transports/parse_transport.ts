import { formatAddress, parseAddress } from "./address.ts";
import { memory } from "./memory.ts";
import { stdio } from "./stdio.ts";
import { tcp } from "./tcp.ts";
import { tls } from "./tls.ts";
import type { Transport } from "./transport.ts";
import { unix } from "./unix.ts";
import { webSocket } from "./web_socket.ts";
import { vsock } from "./vsock.ts";

/**
 * The transport at an address in the address grammar (see
 * {@linkcode parseAddress}), with its options at their defaults.
 *
 * Each call for a `memory:` address gives a transport of its own: two ends meet
 * only over the same object.
 *
 * @throws {TypeError} The address, or the hostname, path or name in it, is
 * malformed.
 * @throws {RangeError} The port is not an integer from 0 to 65535.
 *
 * @example A transport from a command line
 * ```ts
 * import { parseTransport } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * const [address = "tcp://127.0.0.1:0"] = Deno.args;
 * await using listener = await parseTransport(address).listen();
 * assertEquals(listener.address.transport, "tcp");
 * ```
 */
export function parseTransport(address: string | URL): Transport {
  const parsed = parseAddress(address);
  switch (parsed.transport) {
    case "tcp":
      return tcp(parsed);
    case "tls":
      return tls(parsed);
    case "ws":
    case "wss":
      return webSocket({ url: formatAddress(parsed) });
    case "unix":
      return unix(parsed);
    case "memory":
      return memory(parsed);
    case "vsock":
      return vsock(parsed);
    case "stdio":
      return stdio(parsed);
  }
}
