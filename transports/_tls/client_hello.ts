const HANDSHAKE_RECORD = 0x16;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;

/** Longer hellos are left to the platform, which refuses them. */
const MOST_BYTES = 16 * 1024;

/** What was found in the first bytes of a client. */
export interface ClientHello {
  /** The name that the client asks for (SNI), in lower case. */
  readonly serverName: string | undefined;
}

const NAMELESS: ClientHello = { serverName: undefined };

/**
 * Finds the server name in a client's first message (RFC 8446 §4.1.2, RFC 6066
 * §3). A message that is not of its form has no name: the platform refuses it.
 *
 * @returns `undefined` if more bytes are needed.
 */
export function parseClientHello(bytes: Uint8Array): ClientHello | undefined {
  if (bytes.length > MOST_BYTES) return NAMELESS;
  const message: number[] = [];
  const view = viewOf(bytes);
  // The message may be cut into records at any byte (RFC 8446 §5.1).
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== HANDSHAKE_RECORD) return NAMELESS;
    if (at + 5 > bytes.length) return undefined;
    const end = at + 5 + view.getUint16(at + 3);
    message.push(...bytes.subarray(at + 5, end));
    const length = 4 + ((message[1] ?? 0) << 16) + ((message[2] ?? 0) << 8) +
      (message[3] ?? 0);
    if (message.length >= 4 && length > MOST_BYTES) return NAMELESS;
    if (message.length >= 4 && message.length >= length) {
      return { serverName: serverNameIn(new Uint8Array(message)) };
    }
    at = end;
  }
  return undefined;
}

function serverNameIn(message: Uint8Array): string | undefined {
  if (message[0] !== CLIENT_HELLO) return undefined;
  const view = viewOf(message);
  try {
    // Behind the header, the version and the random bytes.
    let at = 4 + 2 + 32;
    at += 1 + view.getUint8(at); // session
    at += 2 + view.getUint16(at); // cipher suites
    at += 1 + view.getUint8(at); // compression methods
    const end = at + 2 + view.getUint16(at);
    at += 2;
    while (at < end) {
      const [type, length] = [view.getUint16(at), view.getUint16(at + 2)];
      at += 4;
      if (type === SERVER_NAME && view.getUint8(at + 2) === HOST_NAME) {
        const name = message.subarray(at + 5, at + 5 + view.getUint16(at + 3));
        const text = new TextDecoder("latin1").decode(name).toLowerCase();
        return /^[a-z0-9._-]+$/.test(text) ? text : undefined;
      }
      at += length;
    }
  } catch (error) {
    // A length points behind the end.
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
