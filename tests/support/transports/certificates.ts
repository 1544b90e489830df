import {
  craft,
  identity,
  MAY_CERTIFY,
  MAY_ENCIPHER_KEYS,
  MAY_SIGN,
} from "./crafted_certificates.ts";

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

/** The contents of each role's certificates. */
const ROLES = {
  server: {
    usage: MAY_SIGN + MAY_ENCIPHER_KEYS,
    purposes: [1], // serverAuth
    dns: ["localhost"],
    addresses: [[127, 0, 0, 1]],
  },
  client: {
    usage: MAY_SIGN,
    purposes: [2], // clientAuth
  },
};

let shared: Promise<Authority> | undefined;

/** The authority that tests trust, made once. */
export function certificates(): Promise<Authority> {
  return shared ??= newAuthority("ca");
}

/** A new authority that is not trusted, even if another has its name. */
export async function newAuthority(name: string): Promise<Authority> {
  const authority = await craft({
    subject: name,
    isAuthority: true,
    usage: MAY_CERTIFY,
  });
  const issue = async (role: "server" | "client", until?: Date) =>
    identity(
      await craft({
        ...ROLES[role],
        subject: role,
        issuer: authority,
        until,
      }),
    );
  return {
    ca: authority.cert,
    caKey: authority.key,
    server: await issue("server"),
    client: await issue("client"),
    issue,
  };
}
