import {
  checkCommand,
  checkHostname,
  checkName,
  checkPath,
  checkPort,
  checkVsock,
} from "./_util/validate.ts";
import { joinWords, splitWords } from "./_util/words.ts";
import type {
  Address,
  MemoryAddress,
  NetAddress,
  StdioAddress,
  UnixAddress,
  VsockAddress,
  WebSocketAddress,
} from "./transport.ts";

/** An address that {@linkcode parseAddress} reads. */
export type KnownAddress =
  | NetAddress
  | UnixAddress
  | MemoryAddress
  | WebSocketAddress
  | VsockAddress
  | StdioAddress;

/**
 * Writes an address in the address grammar; an address of a transport that is
 * not known here prints itself.
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
  if (!isKnown(address)) {
    const prints = address.toString !== Object.prototype.toString;
    return prints ? `${address}` : `${address.transport}:`;
  }
  switch (address.transport) {
    case "tcp":
    case "tls":
      return formatHost(address);
    case "ws":
    case "wss":
      return formatHost(address) + address.path;
    case "unix":
      return `unix:${address.path}`;
    case "memory":
      return `memory:${address.name}`;
    case "vsock":
      return `vsock://${address.cid}:${address.port}`;
    case "stdio":
      return `stdio:${joinWords([address.command, ...address.args])}`;
  }
}

function formatHost(
  { transport, hostname, port }: NetAddress | WebSocketAddress,
): string {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return `${transport}://${host}:${port}`;
}

function isKnown(address: Address): address is KnownAddress {
  // ownStdio() has an address of this name, too, which prints itself.
  if (address.transport === "stdio") return "command" in address;
  return KNOWN.includes(address.transport);
}

/**
 * Reads an address in the address grammar:
 *
 * - `tcp://host:port` and `tls://host:port`, an IPv6 host in brackets,
 * - `ws://host:port/path` and `wss://host:port/path`, as URLs: the port may be
 *   absent,
 * - `unix:path`, absolute or relative, and `unix:@name` in the abstract
 *   namespace,
 * - `memory:name`,
 * - `vsock://cid:port`,
 * - `stdio:command arg…`, words with blanks between; a word with blanks in it is
 *   in single quotes, or in double quotes as a JSON string.
 *
 * A string is taken as it stands: in `unix:/tmp/a%20b` the file's name has a
 * `%`. A `URL` is decoded: as one, the same means `/tmp/a b`.
 *
 * @throws {TypeError} The address, or the hostname, path or name in it, is
 * malformed.
 * @throws {RangeError} The port is not an integer from 0 to 65535.
 *
 * @example Reading an address
 * ```ts
 * import { parseAddress } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseAddress("tcp://[::1]:4444"), {
 *   transport: "tcp",
 *   hostname: "::1",
 *   port: 4444,
 * });
 * assertEquals(parseAddress(new URL("unix:/tmp/a%20b")), {
 *   transport: "unix",
 *   path: "/tmp/a b",
 * });
 * ```
 */
export function parseAddress(address: string | URL): KnownAddress {
  const text = address instanceof URL ? decode(address) : address;
  const [, transport, rest = ""] = SCHEME.exec(text) ?? [];
  switch (transport) {
    case "tcp":
    case "tls":
      return { transport, ...parseHost(rest, text) };
    case "ws":
    case "wss":
      return { transport, ...parseWebSocket(text) };
    case "unix":
      checkPath(rest);
      return { transport, path: rest };
    case "memory":
      checkName(rest);
      return { transport, name: rest };
    case "vsock":
      return { transport, ...parseVsock(rest, text) };
    case "stdio": {
      const [command, ...args] = splitWords(rest) ?? [];
      if (command === undefined) throw malformed(text);
      checkCommand(command, args);
      return { transport, command, args };
    }
    default:
      throw malformed(text);
  }
}

const KNOWN = ["tcp", "tls", "ws", "wss", "unix", "memory", "vsock", "stdio"];
const SCHEME = /^(\w+):(.*)$/s;
const HOST_AND_PORT = /^\/\/(?:\[(.*:.*)\]|([^:[\]]*)):(-?\d+(?:\.\d+)?)$/;

function parseHost(
  rest: string,
  address: string,
): { hostname: string; port: number } {
  const [, ipv6, name, digits] = HOST_AND_PORT.exec(rest) ?? [];
  const hostname = ipv6 ?? name;
  if (hostname === undefined) throw malformed(address);
  checkHostname(hostname);
  const port = Number(digits);
  checkPort(port);
  return { hostname, port };
}

function parseWebSocket(
  address: string,
): { hostname: string; port: number; path: string } {
  if (!URL.canParse(address)) throw malformed(address);
  const { protocol, hostname, port, pathname, search, hash } = new URL(address);
  if (hash !== "") throw malformed(address);
  return {
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? protocol === "wss:" ? 443 : 80 : Number(port),
    path: pathname + search,
  };
}

function parseVsock(
  rest: string,
  address: string,
): { cid: number; port: number } {
  const [, cid, port] = /^\/\/(\d+):(\d+)$/.exec(rest) ?? [];
  if (cid === undefined) throw malformed(address);
  const numbers = { cid: Number(cid), port: Number(port) };
  checkVsock("cid", numbers.cid);
  checkVsock("port", numbers.port);
  return numbers;
}

const HIERARCHICAL = ["tcp:", "tls:", "ws:", "wss:", "vsock:"];

/** The address that a URL encodes, as text. */
function decode(url: URL): string {
  if (HIERARCHICAL.includes(url.protocol)) return url.href;
  if (url.host || url.search || url.hash) throw malformed(url.href);
  try {
    return url.protocol + decodeURIComponent(url.pathname);
  } catch (error) {
    throw malformed(url.href, error);
  }
}

function malformed(address: string, cause?: unknown): TypeError {
  return new TypeError(
    `Cannot use the argument: address is ${
      JSON.stringify(address)
    }: it must be tcp://host:port, tls://host:port, ws://host:port/path, wss://host:port/path, unix:path, memory:name, vsock://cid:port or stdio:command arg…`,
    { cause },
  );
}
