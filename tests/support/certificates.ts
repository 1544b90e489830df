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

/** A certificate and its private key, in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** An authority, with a certificate for a server and one for a client. */
export interface Authority {
  /** The authority's own certificate, in PEM. */
  readonly ca: string;
  readonly caKey: string;
  /** For localhost and 127.0.0.1. */
  readonly server: Identity;
  readonly client: Identity;
  /** Signs another certificate; without `until` it is valid for a day. */
  issue(role: "server" | "client", until?: Date): Promise<Identity>;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const ECDSA_WITH_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));

const extension = (id: string, value: Uint8Array<ArrayBuffer>) =>
  sequence(oid(id), octetString(value));
const critical = (id: string, value: Uint8Array<ArrayBuffer>) =>
  sequence(oid(id), boolean(true), octetString(value));
/** The bits of RFC 5280 §4.2.1.3, the first of them the highest. */
const keyUsage = (bits: number) =>
  critical("2.5.29.15", bitString(bytes(bits)));
const extendedKeyUsage = (purpose: number) =>
  extension("2.5.29.37", sequence(oid(`1.3.6.1.5.5.7.3.${purpose}`)));

const AUTHORITY = [
  critical("2.5.29.19", sequence(boolean(true))), // it may sign
  keyUsage(0b0000_0100), // keyCertSign
];
const EXTENSIONS = {
  server: [
    keyUsage(0b1010_0000), // digitalSignature, keyEncipherment
    extendedKeyUsage(1), // serverAuth
    extension(
      "2.5.29.17",
      sequence(der(0x82, ascii("localhost")), der(0x87, bytes(127, 0, 0, 1))),
    ),
  ],
  client: [
    keyUsage(0b1000_0000), // digitalSignature
    extendedKeyUsage(2), // clientAuth
  ],
};

let shared: Promise<Authority> | undefined;

/** The authority that tests trust, made once. */
export function certificates(): Promise<Authority> {
  return shared ??= newAuthority("ca");
}

/** A new authority that is not trusted, even if another has its name. */
export async function newAuthority(name: string): Promise<Authority> {
  const keys = await newKeys();
  const until = new Date(Date.now() + DAY_MS);
  const sign = (
    subject: string,
    { publicKey }: CryptoKeyPair,
    extensions: Uint8Array<ArrayBuffer>[],
    end: Date,
  ) => certificate({ name, keys }, { subject, publicKey, extensions, end });

  async function issue(
    role: "server" | "client",
    end = until,
  ): Promise<Identity> {
    const own = await newKeys();
    return {
      cert: await sign(role, own, EXTENSIONS[role], end),
      key: await keyPem(own),
    };
  }

  return {
    ca: await sign(name, keys, AUTHORITY, until),
    caKey: await keyPem(keys),
    server: await issue("server"),
    client: await issue("client"),
    issue,
  };
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
}

async function keyPem({ privateKey }: CryptoKeyPair): Promise<string> {
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", privateKey);
  return pem("PRIVATE KEY", new Uint8Array(pkcs8));
}

/** An X.509 certificate (RFC 5280 §4.1) in PEM. */
async function certificate(
  issuer: { name: string; keys: CryptoKeyPair },
  { subject, publicKey, extensions, end }: {
    subject: string;
    publicKey: CryptoKey;
    extensions: Uint8Array<ArrayBuffer>[];
    end: Date;
  },
): Promise<string> {
  const start = new Date(end.getTime() - 2 * DAY_MS);
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
  const toSign = sequence(
    tagged(0, integer(bytes(2))), // version 3
    integer(crypto.getRandomValues(new Uint8Array(16))),
    ECDSA_WITH_SHA256,
    commonName(issuer.name),
    sequence(utcTime(start), utcTime(end)),
    commonName(subject),
    spki,
    tagged(3, sequence(...extensions)),
  );
  const signature = new Uint8Array(
    await crypto.subtle.sign(
      { name: "ECDSA", hash: "SHA-256" },
      issuer.keys.privateKey,
      toSign,
    ),
  );
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  return pem(
    "CERTIFICATE",
    sequence(
      toSign,
      ECDSA_WITH_SHA256,
      bitString(sequence(integer(r), integer(s))),
    ),
  );
}

function commonName(name: string): Uint8Array<ArrayBuffer> {
  return sequence(set(sequence(oid("2.5.4.3"), utf8String(name))));
}

function pem(label: string, content: Uint8Array): string {
  const base64 = content.toBase64().replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;
}
