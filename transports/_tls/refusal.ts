import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import { Certificate } from "./certificate.ts";
import { mistrust } from "./chain.ts";
import type { Credentials } from "./credentials.ts";
import { isFor, namesOf } from "./names.ts";

/** Why a server that the platform trusts is refused all the same. */
export function refusalOfServer(
  leaf: DetailedPeerCertificate,
  { authorities }: Credentials,
  name: string,
): string | undefined {
  try {
    const shown = chainOf(leaf);
    const [own] = shown;
    const why = mistrust(shown, authorities, "server");
    if (why || !own || isFor(own, name)) return why;
    return `the server's certificate is for ${
      namesOf(own)
    }, and not for ${name}`;
  } catch (error) {
    return `the server's certificate cannot be read: ${error}`;
  }
}

/** Why a client is refused. */
export function refusalOfClient(
  socket: TLSSocket,
  authorities: readonly Certificate[],
): string | undefined {
  if (!socket.authorized) return "the client's certificate is not trusted";
  try {
    const shown = chainOf(socket.getPeerCertificate(true));
    return mistrust(shown, authorities, "client");
  } catch (error) {
    return `the client's certificate cannot be read: ${error}`;
  }
}

/** The certificates that a peer has shown, its own first. */
function chainOf(leaf: DetailedPeerCertificate): Certificate[] {
  const chain: Certificate[] = [];
  const seen = new Set<DetailedPeerCertificate>();
  for (let next = leaf; next?.raw && !seen.has(next);) {
    seen.add(next);
    chain.push(new Certificate(next.raw));
    next = next.issuerCertificate;
  }
  return chain;
}

/** Deno 2.9.6 has one code for nearly all that can be wrong. */
const UNTRUSTED = [
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "INVALID_PURPOSE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
];

/** The platform's error, in words that say what it can mean. */
export function explained(
  error: Error,
  role: "server" | "client",
  code: unknown = Reflect.get(error, "code"),
): Error {
  if (code === "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE") {
    return new Deno.errors.InvalidData("the client has shown no certificate");
  }
  if (!UNTRUSTED.includes(String(code))) return error;
  return new Deno.errors.InvalidData(
    `the ${role}'s certificate is not trusted: no trusted authority has signed it, it has expired, or it is not for a ${role} (${code})`,
    { cause: error },
  );
}
