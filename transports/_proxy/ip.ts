/** IPv4 that is mapped to IPv6 (RFC 4291 §2.5.5.2), in the notation of URLs. */
const MAPPED = /^::ffff:([\da-f]+):([\da-f]+)$/;

/** Whether this is IPv4: four decimal numbers without leading zeros. */
export function isIpv4(text: string): boolean {
  // A URL also takes other notations, and turns them into this one.
  return /^[\d.]+$/.test(text) && hostOf(text) === text;
}

/**
 * IPv6 in its canonical notation (RFC 5952), as the system writes it.
 *
 * @returns `undefined` if it is not IPv6.
 */
export function canonicalIpv6(text: string): string | undefined {
  if (!/^[\da-f:.]+$/i.test(text)) return undefined;
  const host = hostOf(`[${text}]`)?.slice(1, -1);
  return host?.replace(MAPPED, (_, high: string, low: string) => {
    const [a, b] = [parseInt(high, 16), parseInt(low, 16)];
    return `::ffff:${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`;
  });
}

function hostOf(text: string): string | undefined {
  const url = `http://${text}/`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
