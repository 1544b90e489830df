import type { Address } from "./transport.ts";

/**
 * Writes an address in the address grammar.
 *
 * @example Naming an address
 * ```ts
 * import { formatAddress } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   formatAddress({ transport: "tcp", hostname: "::1", port: 4444 }),
 *   "tcp://[::1]:4444",
 * );
 * ```
 */
export function formatAddress(address: Address): string {
  switch (address.transport) {
    case "tcp":
    case "tls": {
      const { transport, hostname, port } = address;
      const host = hostname.includes(":") ? `[${hostname}]` : hostname;
      return `${transport}://${host}:${port}`;
    }
    case "unix":
      return `unix:${address.path}`;
    case "memory":
      return `memory:${address.name}`;
  }
}
