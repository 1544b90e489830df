import { latin1, showBytes } from "../_util/show_bytes.ts";
import { systemErrors } from "../_util/system_errors.ts";

/** The types of records (RFC 8446 §5.1), the first byte of each. */
const RECORD_TYPES = [0x14, 0x15, 0x16, 0x17];

/** How the first bytes of other protocols look. */
const PROTOCOLS: readonly (readonly [RegExp, string])[] = [
  [/^(HTTP\/|[A-Z]+ \S* HTTP\/|PRI \* )/, "HTTP"],
  [/^SSH-/, "SSH"],
  [/^\s*[[{]/, "JSON in plain text"],
  [/^[\t\r\n\x20-\x7e]+$/, "plain text"],
];

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
  const text = latin1(first);
  const [, protocol] = PROTOCOLS.find(([look]) => look.test(text)) ??
    [, "another protocol"];
  const shown = showBytes(text);
  return new systemErrors.InvalidData(
    `the peer speaks ${protocol}, not TLS: its first bytes are ${shown}`,
    { cause },
  );
}
