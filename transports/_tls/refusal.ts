import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import { Certificate } from "./certificate.ts";
import { mistrust } from "./chain.ts";
import { isFor, namesOf } from "./names.ts";
import { systemErrors } from "../_util/system_errors.ts";

/** The result of the checks of a peer. */
export interface Verdict {
  /** The peer's own certificate. */
  readonly own?: Certificate | undefined;
  /** Why the peer is refused. */
  readonly why?: string | undefined;
}

/** Checks a server that the platform trusts. */
export function judgeServer(
  leaf: DetailedPeerCertificate,
  authorities: readonly Certificate[] | undefined,
  name: string,
): Verdict {
  return judge(leaf, "server", (shown) => {
    const [own] = shown;
    const why = mistrust(shown, authorities, "server");
    if (why || !own || isFor(own, name)) return why;
    return `the server's certificate is for ${
      namesOf(own)
    }, and not for ${name}`;
  });
}

/** Checks a client. */
export function judgeClient(
  socket: TLSSocket,
  authorities: readonly Certificate[],
): Verdict {
  if (!socket.authorized) {
    return { why: "the client's certificate is not trusted" };
  }
  return judge(
    socket.getPeerCertificate(true),
    "client",
    (shown) => mistrust(shown, authorities, "client"),
  );
}

/** Never throws: Node calls it where an error would end the process. */
function judge(
  leaf: DetailedPeerCertificate,
  role: "server" | "client",
  check: (shown: readonly Certificate[]) => string | undefined,
): Verdict {
  try {
    const shown = chainOf(leaf);
    return { own: shown[0], why: check(shown) };
  } catch (error) {
    return { why: `the ${role}'s certificate cannot be read: ${error}` };
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

/** Deno 2.9.6 has one code for nearly all reasons. */
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

/**
 * The platform's error, in words that say what it can mean.
 *
 * @param verdict The code of its verdict, if the error does not have it.
 */
export function explained(
  error: Error,
  role: "server" | "client",
  verdict?: unknown,
): Error {
  const code = verdict ?? Reflect.get(error, "code");
  if (code === "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE") {
    return new systemErrors.InvalidData("the client has shown no certificate");
  }
  if (!UNTRUSTED.includes(String(code))) return error;
  return new systemErrors.InvalidData(
    `the ${role}'s certificate is not trusted: no trusted authority has signed it, it has expired, or it is not for a ${role} (${code})`,
    { cause: error },
  );
}
