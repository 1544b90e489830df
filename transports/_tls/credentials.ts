import { createPrivateKey, X509Certificate } from "node:crypto";
import { Certificate } from "./certificate.ts";

/** What an end of a TLS connection shows, trusts and speaks. */
export interface Credentials {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** In PEM; if undefined, a client trusts the system's authorities. */
  readonly ca: readonly string[] | undefined;
  /** The certificates in `ca`. */
  readonly authorities: readonly Certificate[] | undefined;
  readonly alpnProtocols: readonly string[] | undefined;
}

/**
 * Checks that certificates and key can be read, and belong together.
 *
 * @throws {Deno.errors.InvalidData} They cannot, or do not.
 */
export function readCredentials({ cert, key, caCerts, alpnProtocols }: {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly caCerts: readonly string[] | undefined;
  readonly alpnProtocols: readonly string[] | undefined;
}): Credentials {
  const authorities = caCerts?.flatMap((text) =>
    read("an authority's certificate", () => Certificate.all(text))
  );
  if (cert !== undefined && key !== undefined) {
    const certificate = read("cert", () => new X509Certificate(cert));
    const privateKey = read("key", () => createPrivateKey(key));
    if (!certificate.checkPrivateKey(privateKey)) {
      throw new Deno.errors.InvalidData("key is not the key of cert");
    }
  }
  return { cert, key, ca: caCerts, authorities, alpnProtocols };
}

function read<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new Deno.errors.InvalidData(`${name} cannot be read`, { cause });
  }
}
