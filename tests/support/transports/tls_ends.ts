import { assert } from "@std/assert";
import { type Address, tls, type TlsOptions } from "../../../transports/mod.ts";
import { certificates } from "./certificates.ts";

/** The authority that tests trust, and its certificates. */
export const { ca, server, client, issue } = await certificates();

/** The options of an end that trusts the authority. */
export const trusting = { caCerts: [ca] };

/** The options of a listener that wants the certificates of clients. */
export const mutual = { ...server, clientCaCerts: [ca] };

/** Without and with certificates of clients: the options of a listener. */
export const listeners = { "tls": server, "mutual tls": mutual };

/** The same: a transport that listens, and one that connects. */
export const kinds = {
  "tls": ends(trusting, server),
  "mutual tls": ends({ ...trusting, ...client }, mutual),
};

function ends(connect: Partial<TlsOptions>, listen: Partial<TlsOptions>) {
  const make = (options: Partial<TlsOptions>) => (address?: Address) =>
    tls({ port: 0, ...address && place(address), ...options });
  return { server: make(listen), client: make(connect) };
}

/** The host and the port of an address. */
export function place(address: Address): { hostname: string; port: number } {
  assert("hostname" in address);
  return { hostname: address.hostname, port: address.port };
}
