import { X509Certificate } from "node:crypto";
import {
  Asn1Certificate,
  AsnConvert,
  BasicConstraints,
  ExtendedKeyUsage,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  KeyUsage,
  KeyUsageFlags,
  SubjectAlternativeName,
} from "./_deps.ts";

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Kinds of names (RFC 5280 §4.2.1.6), as messages of TLS programs show them. */
const NAME_KINDS = [
  ["DNS", "dNSName"],
  ["IP", "iPAddress"],
  ["URI", "uniformResourceIdentifier"],
  ["email", "rfc822Name"],
] as const;

/** Version 3 of X.509, as a certificate says it (RFC 5280 §4.1.2.1). */
const V3 = 2;

/** The fields of a certificate that decide what it is good for. */
interface Fields {
  readonly version: number;
  /** Whether it may sign certificates: CA:TRUE and, in `keyUsage`, keyCertSign. */
  readonly isAuthority: boolean;
  readonly mayCertify: boolean;
  /** How many intermediates may follow (RFC 5280 §4.2.1.9). */
  readonly pathLength: number;
  /** Purposes by their object identifiers; without the extension, all. */
  readonly purposes: readonly string[] | undefined;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** All names, such as `DNS:example.org`. */
  readonly names: readonly string[];
}

/** A certificate (RFC 5280). Its fields are read when they are asked for. */
export class Certificate {
  readonly x509: X509Certificate;
  #fields: Fields | undefined;

  constructor(text: string | Uint8Array) {
    this.x509 = new X509Certificate(text);
  }

  /**
   * All certificates of a PEM text.
   *
   * @throws {TypeError} There are none.
   */
  static all(pem: string): Certificate[] {
    const texts = pem.match(PEM);
    if (!texts) throw new TypeError("no certificate in PEM was found");
    return texts.map((text) => new Certificate(text));
  }

  /**
   * The fields, entry by entry: the texts that `X509Certificate` makes of them
   * cannot be taken apart again.
   *
   * @throws {Error} An extension is not of its form.
   */
  get fields(): Fields {
    return this.#fields ??= readFields(this.x509.raw);
  }

  equals(other: Certificate): boolean {
    return this.x509.fingerprint512 === other.x509.fingerprint512;
  }

  // Node 20 has the dates as text alone.
  get validFrom(): Date {
    return new Date(this.x509.validFrom);
  }
  get validTo(): Date {
    return new Date(this.x509.validTo);
  }

  isValidAt(time: Date): boolean {
    return this.validFrom <= time && time <= this.validTo;
  }

  /** Whether the issuer's key has signed this certificate. */
  isSignedBy(issuer: Certificate): boolean {
    try {
      return this.x509.verify(issuer.x509.publicKey);
    } catch {
      // A key or a signature of a kind that the platform does not know.
      return false;
    }
  }
}

function readFields(der: Uint8Array): Fields {
  const { tbsCertificate } = AsnConvert.parse(der, Asn1Certificate);
  const { version, extensions = [] } = tbsCertificate;
  const read = <T>(id: string, type: new () => T): T | undefined => {
    const found = extensions.find(({ extnID }) => extnID === id);
    return found && AsnConvert.parse(found.extnValue, type);
  };
  const constraints = read(id_ce_basicConstraints, BasicConstraints);
  const usage = read(id_ce_keyUsage, KeyUsage);
  const names = [...read(id_ce_subjectAltName, SubjectAlternativeName) ?? []];
  const purposes = read(id_ce_extKeyUsage, ExtendedKeyUsage);
  return {
    version,
    isAuthority: version === V3 && constraints?.cA === true,
    mayCertify: usage === undefined ||
      (usage.toNumber() & KeyUsageFlags.keyCertSign) !== 0,
    pathLength: constraints?.pathLenConstraint ?? Infinity,
    purposes: purposes && [...purposes],
    dnsNames: names.flatMap(({ dNSName }) => dNSName ?? []),
    ipAddresses: names.flatMap(({ iPAddress }) => iPAddress ?? []),
    names: names.flatMap((name) =>
      NAME_KINDS.flatMap(([kind, property]) => {
        const text = name[property];
        return text === undefined ? [] : `${kind}:${text}`;
      })
    ),
  };
}
