import { createPrivateKey, X509Certificate } from "node:crypto";
import type { TlsIdentity, TlsOptions } from "../tls_options.ts";
import { Certificate } from "./certificate.ts";
import { systemErrors } from "../_util/system_errors.ts";

/** The certificates and names of one side of TLS, read and checked. */
export interface Credentials {
  readonly identity: TlsIdentity | undefined;
  /** In PEM; if undefined, a client trusts the system's authorities. */
  readonly ca: string[] | undefined;
  /** The certificates in `ca`. */
  readonly authorities: readonly Certificate[] | undefined;
  readonly alpnProtocols: string[] | undefined;
}

/**
 * Reads the options of one side.
 *
 * @throws {Deno.errors.InvalidData} A certificate or key cannot be read.
 */
export function readCredentials(
  { cert, key, alpnProtocols }: Pick<
    TlsOptions,
    "cert" | "key" | "alpnProtocols"
  >,
  ca: string[] | undefined,
): Credentials {
  const identity = cert === undefined || key === undefined
    ? undefined
    : readIdentity({ cert, key });
  const authorities = ca?.flatMap((text) =>
    read("an authority's certificate", () => Certificate.all(text))
  );
  return { identity, ca, authorities, alpnProtocols };
}

/**
 * Checks that a certificate and a key can be read, and belong together.
 *
 * @throws {Deno.errors.InvalidData} They cannot, or do not.
 */
export function readIdentity({ cert, key }: TlsIdentity): TlsIdentity {
  const certificate = read("cert", () => new X509Certificate(cert));
  const privateKey = read("key", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new systemErrors.InvalidData("key is not the key of cert");
  }
  return { cert, key };
}

function read<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new systemErrors.InvalidData(`${name} cannot be read`, { cause });
  }
}
