import type { Certificate } from "./certificate.ts";

/** Identifiers of purposes (RFC 5280 §4.2.1.12). */
const PURPOSES = {
  server: "1.3.6.1.5.5.7.3.1",
  client: "1.3.6.1.5.5.7.3.2",
};
const ANY_PURPOSE = "2.5.29.37.0";

/** Bounds the cost of a chain: the peer chooses how long it is. */
const MAX_CERTIFICATES = 10;
const MAX_SIGNATURES = 50;

/**
 * Makes the checks of a certificate chain that the platform leaves out. The
 * platform takes each entry of `authorities` for an authority, even if it lacks
 * CA:TRUE, has expired or may not sign. It ignores `keyUsage` and the path
 * length of an authority, and lets certificates of version 1 sign.
 *
 * @param authorities Certificates that sign, or that are the peer's own. If
 * undefined, the system's authorities are trusted, which are not checked here.
 * @returns Why the peer is not trusted, or `undefined`.
 */
export function mistrust(
  [own, ...others]: readonly Certificate[],
  authorities: readonly Certificate[] | undefined,
  role: "server" | "client",
): string | undefined {
  if (!own) return `the ${role} has shown no certificate`;
  const its = `the ${role}'s certificate`;
  if (others.length >= MAX_CERTIFICATES) {
    return `the ${role} has shown ${
      others.length + 1
    } certificates: at most ${MAX_CERTIFICATES} are looked at`;
  }
  const now = new Date();
  const { version, purposes } = own.fields;
  if (version !== 2) {
    return `${its} is of version ${version + 1}: it must be of version 3`;
  }
  if (!own.isValidAt(now)) return `${its} ${notValid(own)}`;
  if (
    purposes && !purposes.includes(PURPOSES[role]) &&
    !purposes.includes(ANY_PURPOSE)
  ) {
    return `${its} is not for a ${role}: its purposes are ${purposes}`;
  }
  if (authorities === undefined) {
    const wrong = others.find(({ fields }) =>
      fields.version !== 2 || (fields.isAuthority && !fields.mayCertify)
    );
    return wrong && `${its} comes with one that ${defect(wrong, 0, now)}`;
  }
  if (authorities.some((authority) => authority.equals(own))) return undefined;
  const search = new PathSearch(authorities, others, now);
  return search.from(own, 0)
    ? undefined
    : `${its} is not signed by an authority that is trusted${search.reason}`;
}

/** Looks for a path from a certificate to an authority (RFC 5280 §6.1). */
class PathSearch {
  /** Why the last issuer whose signature is right is not accepted. */
  reason = "";
  readonly #authorities: readonly Certificate[];
  readonly #unused: Set<Certificate>;
  readonly #now: Date;
  #signatures = 0;

  constructor(
    authorities: readonly Certificate[],
    others: readonly Certificate[],
    now: Date,
  ) {
    this.#authorities = authorities;
    this.#unused = new Set(others);
    this.#now = now;
  }

  /** @param below How many intermediates are between here and the peer. */
  from(certificate: Certificate, below: number): boolean {
    return this.#authorities.some((issuer) =>
      this.#signs(issuer, certificate, below)
    ) || [...this.#unused].some((issuer) => {
      if (!this.#signs(issuer, certificate, below)) return false;
      this.#unused.delete(issuer);
      const isSelfIssued = issuer.x509.subject === issuer.x509.issuer;
      return this.from(issuer, isSelfIssued ? below : below + 1);
    });
  }

  #signs(issuer: Certificate, certificate: Certificate, below: number) {
    if (issuer.x509.subject !== certificate.x509.issuer) return false;
    if (++this.#signatures > MAX_SIGNATURES) return false;
    if (!certificate.isSignedBy(issuer)) return false;
    const why = defect(issuer, below, this.#now);
    if (why) this.reason = `: its issuer ${why}`;
    return why === undefined;
  }
}

/** Why a certificate may not sign, with so many intermediates below it. */
function defect(
  issuer: Certificate,
  below: number,
  now: Date,
): string | undefined {
  const { isAuthority, mayCertify, pathLength } = issuer.fields;
  if (!isAuthority) return "is not an authority";
  if (!mayCertify) return "may not sign certificates (keyUsage)";
  if (below > pathLength) {
    return `allows ${pathLength} intermediates, and ${below} follow it`;
  }
  return issuer.isValidAt(now) ? undefined : notValid(issuer);
}

function notValid({ validFrom, validTo }: Certificate): string {
  return validFrom > new Date()
    ? `is not valid before ${validFrom.toISOString()}`
    : `has expired at ${validTo.toISOString()}`;
}
