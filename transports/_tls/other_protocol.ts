/** The types of records (RFC 8446 §5.1), the first byte of each. */
const RECORD_TYPES = [0x14, 0x15, 0x16, 0x17];

/** How the first bytes of other protocols look. */
const PROTOCOLS: readonly (readonly [RegExp, string])[] = [
  [/^(HTTP\/|[A-Z]+ \S* HTTP\/|PRI \* )/, "HTTP"],
  [/^SSH-/, "SSH"],
  [/^\s*[[{]/, "JSON in plain text"],
  [/^[\t\r\n\x20-\x7e]+$/, "plain text"],
];

const MOST_SHOWN = 32;

/**
 * An error that says which protocol a peer speaks instead of TLS.
 *
 * @param first The first bytes of the peer.
 * @returns `undefined` if they look like TLS, or there are none.
 */
export function otherProtocol(
  first: Uint8Array,
  cause: unknown,
): Error | undefined {
  const [type] = first;
  if (type === undefined || RECORD_TYPES.includes(type)) return undefined;
  const text = new TextDecoder("latin1").decode(first);
  const [, protocol] = PROTOCOLS.find(([look]) => look.test(text)) ??
    [, "another protocol"];
  const shown = JSON.stringify(text.slice(0, MOST_SHOWN)).replace(
    /[^\x20-\x7e]/g,
    (unseen) => `\\u${unseen.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return new Deno.errors.InvalidData(
    `the peer speaks ${protocol}, not TLS: its first bytes are ${shown}`,
    { cause },
  );
}
