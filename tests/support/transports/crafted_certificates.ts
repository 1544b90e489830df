import {
  ascii,
  bitString,
  boolean,
  bytes,
  der,
  integer,
  octetString,
  oid,
  sequence,
  set,
  tagged,
  utcTime,
  utf8String,
} from "./der.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The contents of a certificate; omitted members are not in it. */
export interface Says {
  readonly subject?: string;
  /** Without an issuer, it signs itself. */
  readonly issuer?: Crafted;
  /** basicConstraints (RFC 5280 §4.2.1.9). */
  readonly isAuthority?: boolean;
  readonly pathLength?: number;
  /** keyUsage: a sum of bits such as {@linkcode MAY_SIGN}. */
  readonly usage?: number;
  /** Last numbers of purposes: 1 is a server, 2 is a client. */
  readonly purposes?: readonly number[];
  /** Entries of the subject alternative name. */
  readonly dns?: readonly string[];
  readonly addresses?: readonly (readonly number[])[];
  readonly from?: Date;
  readonly until?: Date | undefined;
  readonly version?: 1 | 3;
  /** DNS names that an authority may sign for. */
  readonly permitted?: string;
  /** An unknown critical extension. */
  readonly unknownExtension?: boolean;
  /** The keys of another certificate, or new keys. */
  readonly keys?: CryptoKeyPair;
}

export interface Crafted {
  readonly subject: string;
  readonly keys: CryptoKeyPair;
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

/** The bits of RFC 5280 §4.2.1.3. */
export const MAY_SIGN = 0b1000_0000;
export const MAY_ENCIPHER_KEYS = 0b0010_0000;
export const MAY_CERTIFY = 0b0000_0100;

export const DAY_MS = 24 * 60 * 60 * 1000;
const ECDSA_WITH_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));

/** Makes a certificate with exactly these contents, valid or not. */
export async function craft(says: Says): Promise<Crafted> {
  const { subject = "crafted", issuer, version = 3 } = says;
  const keys = says.keys ?? await newKeys();
  const spki = await crypto.subtle.exportKey("spki", keys.publicKey);
  const toSign = sequence(
    ...version === 3 ? [tagged(0, integer(bytes(2)))] : [],
    integer(crypto.getRandomValues(new Uint8Array(16))),
    ECDSA_WITH_SHA256,
    commonName(issuer?.subject ?? subject),
    sequence(
      utcTime(says.from ?? new Date(Date.now() - DAY_MS)),
      utcTime(says.until ?? new Date(Date.now() + DAY_MS)),
    ),
    commonName(subject),
    new Uint8Array(spki),
    ...version === 3 ? [tagged(3, sequence(...extensions(says)))] : [],
  );
  const signature = new Uint8Array(
    await crypto.subtle.sign(
      { name: "ECDSA", hash: "SHA-256" },
      (issuer?.keys ?? keys).privateKey,
      toSign,
    ),
  );
  const halves = [signature.subarray(0, 32), signature.subarray(32)];
  const certificate = sequence(
    toSign,
    ECDSA_WITH_SHA256,
    bitString(sequence(...halves.map(integer))),
  );
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    subject,
    keys,
    cert: pem("CERTIFICATE", certificate),
    key: pem("PRIVATE KEY", new Uint8Array(pkcs8)),
  };
}

/** The options of an end that shows these certificates, its own first. */
export function identity(
  ...shown: readonly Crafted[]
): { cert: string; key: string } {
  const cert = shown.map(({ cert }) => cert).join("");
  return { cert, key: shown[0]?.key ?? "" };
}

function newKeys(): Promise<CryptoKeyPair> {
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  return crypto.subtle.generateKey(curve, true, ["sign", "verify"]);
}

function extensions(says: Says): Bytes[] {
  const all: Bytes[] = [];
  const add = (id: string, isCritical: boolean, value: Bytes) =>
    all.push(
      sequence(
        oid(id),
        ...isCritical ? [boolean(true)] : [],
        octetString(value),
      ),
    );
  const { isAuthority, pathLength, usage, purposes, permitted } = says;
  if (isAuthority !== undefined) {
    const flag = isAuthority ? [boolean(true)] : [];
    const limit = pathLength === undefined ? [] : [integer(bytes(pathLength))];
    add("2.5.29.19", true, sequence(...flag, ...limit));
  }
  if (usage !== undefined) add("2.5.29.15", true, bitString(bytes(usage)));
  if (purposes) {
    const ids = purposes.map((number) => oid(`1.3.6.1.5.5.7.3.${number}`));
    add("2.5.29.37", false, sequence(...ids));
  }
  const names = [
    ...(says.dns ?? []).map((name) => der(0x82, ascii(name))),
    ...(says.addresses ?? []).map((address) => der(0x87, bytes(...address))),
  ];
  if (names.length > 0) add("2.5.29.17", false, sequence(...names));
  if (permitted !== undefined) {
    const subtree = sequence(der(0x82, ascii(permitted)));
    add("2.5.29.30", true, sequence(tagged(0, subtree)));
  }
  if (says.unknownExtension) add("1.2.3.4", true, bytes(5, 0));
  return all;
}

function commonName(name: string): Bytes {
  return sequence(set(sequence(oid("2.5.4.3"), utf8String(name))));
}

function pem(label: string, content: Uint8Array): string {
  const base64 = content.toBase64().replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;
}
