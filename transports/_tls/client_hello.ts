import { GrowingBytes } from "./growing_bytes.ts";

const HANDSHAKE_RECORD = 0x16;
const HEADER_BYTES = 5;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;

/** Longer hellos are left to the platform, which refuses them. */
const MAX_HELLO_BYTES = 16 * 1024;

/** What was found in the first bytes of a client. */
export interface ClientHello {
  /** The name that the client asks for (SNI), in lower case. */
  readonly serverName: string | undefined;
}

const NAMELESS: ClientHello = { serverName: undefined };

/**
 * Finds the server name in a client's first message (RFC 8446 §4.1.2, RFC 6066
 * §3), which may come in pieces of any size. Each byte is looked at once: a client
 * that is not authenticated must not cost more than it sends.
 */
export class ClientHelloReader {
  readonly #message = new GrowingBytes();
  /** How much of the current record's header has come (RFC 8446 §5.1). */
  #header = 0;
  /** How many bytes of the current record are missing. */
  #missing = 0;
  #received = 0;

  /**
   * Takes the next bytes. A message that is not of its form has no name: the
   * platform refuses it.
   *
   * @returns `undefined` if more bytes are needed.
   */
  push(bytes: Uint8Array): ClientHello | undefined {
    this.#received += bytes.length;
    if (this.#received > MAX_HELLO_BYTES) return NAMELESS;
    // The message may be cut into records at any byte.
    for (let at = 0; at < bytes.length;) {
      if (this.#header < HEADER_BYTES) {
        if (!this.#takeHeader(bytes[at++] ?? 0)) return NAMELESS;
        continue;
      }
      const part = bytes.subarray(at, at + this.#missing);
      this.#message.push(part);
      at += part.length;
      this.#missing -= part.length;
      if (this.#missing === 0) this.#header = 0;
      const hello = this.#complete();
      if (hello) return hello;
    }
    return undefined;
  }

  /** Takes a byte of a record's header; false if the record is of another kind. */
  #takeHeader(byte: number): boolean {
    const at = this.#header++;
    if (at === 0) return byte === HANDSHAKE_RECORD;
    if (at === HEADER_BYTES - 2) this.#missing = byte << 8;
    if (at === HEADER_BYTES - 1) {
      this.#missing += byte;
      if (this.#missing === 0) this.#header = 0;
    }
    return true;
  }

  #complete(): ClientHello | undefined {
    const message = this.#message.bytes;
    if (message.length < 4) return undefined;
    const length = 4 + (viewOf(message).getUint32(0) & 0xff_ff_ff);
    if (length > MAX_HELLO_BYTES) return NAMELESS;
    if (message.length < length) return undefined;
    return { serverName: serverNameIn(message) };
  }
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
