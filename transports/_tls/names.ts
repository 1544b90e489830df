import { domainToASCII } from "node:url";
import type { Certificate } from "./certificate.ts";

/** How many names a message shows. */
const MAX_SHOWN = 5;

/**
 * Whether a certificate is for a server of this name or address: entries of its
 * subject alternative name alone count (RFC 9525 §6), never its subject.
 */
export function isFor(certificate: Certificate, host: string): boolean {
  const { dnsNames, ipAddresses } = certificate.fields;
  const address = canonicalAddress(host);
  if (address !== undefined) {
    return ipAddresses.some((entry) => canonicalAddress(entry) === address);
  }
  const name = domainToASCII(host).toLowerCase().replace(/\.$/, "");
  return name !== "" && dnsNames.some((entry) => matches(name, entry));
}

/** A wildcard is a whole label, the first one, and stands for one label. */
function matches(name: string, entry: string): boolean {
  const wanted = entry.toLowerCase();
  if (!wanted.startsWith("*.")) return name === wanted;
  const [, ...parent] = name.split(".");
  return parent.length > 1 && wanted.slice(2) === parent.join(".");
}

/** An IP address in the one spelling that URLs have, or `undefined`. */
export function canonicalAddress(host: string): string | undefined {
  const isIpv6 = host.includes(":");
  if (!isIpv6 && !/^\d+\.\d+\.\d+\.\d+$/.test(host)) return undefined;
  try {
    return new URL(isIpv6 ? `http://[${host}]` : `http://${host}`).hostname;
  } catch {
    return undefined;
  }
}

/** The names in a certificate, as the peer wrote them, for a message. */
export function namesOf({ fields }: Certificate): string {
  const names = [...fields.dnsNames, ...fields.ipAddresses];
  if (names.length === 0) return "no name";
  const shown = names.slice(0, MAX_SHOWN).map(quote).join(", ");
  return names.length > MAX_SHOWN ? `${shown}, …` : shown;
}

function quote(name: string): string {
  const text = name.length > 100 ? `${name.slice(0, 100)}…` : name;
  return JSON.stringify(text).replace(
    /[\x7f-\x9f]/g,
    (unseen) => `\\u00${unseen.charCodeAt(0).toString(16)}`,
  );
}
