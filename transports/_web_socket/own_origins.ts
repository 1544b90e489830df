import type { Address } from "../transport.ts";

/** The names by which a browser reaches a listener on loopback. */
const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/** A listener there is on loopback, among others. */
const ANY = ["0.0.0.0", "::", "[::]"];

/**
 * The origins of a listener's own pages: the host of its URL at the URL's port and
 * at the real one, and the names of loopback if it listens there. The `Host` of a
 * request does not count: with DNS rebinding a hostile page chooses it.
 */
export function ownOrigins(url: URL, address: Address): string[] {
  const names = [url.hostname];
  if (isLoopback(url.hostname) || isLoopback(hostnameOf(address))) {
    names.push(...LOOPBACK_NAMES);
  }
  const scheme = url.protocol === "wss:" ? "https:" : "http:";
  return names.flatMap((name) =>
    [url.port, portOf(address) ?? url.port].map((port) =>
      new URL(`${scheme}//${name}${port && `:${port}`}`).origin
    )
  );
}

function isLoopback(hostname: string): boolean {
  return LOOPBACK_NAMES.includes(hostname) || hostname === "::1" ||
    ANY.includes(hostname) ||
    /^127(\.\d+){3}$/.test(hostname);
}

function hostnameOf(address: Address): string {
  return "hostname" in address ? String(address.hostname) : "";
}

function portOf(address: Address): string | undefined {
  return "port" in address ? String(address.port) : undefined;
}
