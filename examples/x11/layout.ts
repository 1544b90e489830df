import { concat } from "@std/bytes";

const LITTLE_ENDIAN = "l".charCodeAt(0);

/**
 * Integers of a size, for the body of a request. They are little-endian, as all
 * machines are that Deno runs on; negative ones are in two's complement.
 */
export const u16 = (...values: number[]): Uint8Array =>
  new Uint8Array(Uint16Array.from(values).buffer);
export const u32 = (...values: number[]): Uint8Array =>
  new Uint8Array(Uint32Array.from(values).buffer);

/** The integers at a position of a message. */
export const u16At = (bytes: Uint8Array, at: number): number =>
  viewOf(bytes).getUint16(at, true);
export const u32At = (bytes: Uint8Array, at: number): number =>
  viewOf(bytes).getUint32(at, true);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Joins parts, and fills them up to a multiple of 4 bytes. */
function padded(...parts: Uint8Array[]): Uint8Array {
  const bytes = concat(parts);
  return concat([bytes, new Uint8Array(-bytes.length & 3)]);
}

/** A request: its opcode, a byte of its own, its length and its body. */
export function request(
  opcode: number,
  data: number,
  ...body: Uint8Array[]
): Uint8Array {
  const bytes = padded(Uint8Array.of(opcode, data, 0, 0), ...body);
  const units = bytes.length / 4;
  if (units > 0xffff) {
    throw new RangeError(
      `Cannot send request: it has ${bytes.length} bytes, X11 allows 262140`,
    );
  }
  bytes.set(u16(units), 2);
  return bytes;
}

/** How a client introduces itself, with a cookie if it has one. */
export function setupRequest(
  cookie: Uint8Array = new Uint8Array(),
): Uint8Array {
  const name = cookie.length > 0 ? "MIT-MAGIC-COOKIE-1" : "";
  const lengths = u16(LITTLE_ENDIAN, 11, 0, name.length, cookie.length, 0);
  return padded(lengths, padded(new TextEncoder().encode(name)), cookie);
}

/** What a server tells of itself and of its first screen. */
export interface Setup {
  readonly vendor: string;
  /** The ids that are ours: this number, and any of the mask's bits. */
  readonly idBase: number;
  readonly idMask: number;
  /** The id of the window that all others are in. */
  readonly root: number;
  /** The number of the colour. */
  readonly white: number;
  readonly width: number;
  readonly height: number;
}

/** Reads the set-up of a server that has let us in. */
export function readSetup(bytes: Uint8Array): Setup {
  const vendorEnd = 40 + u16At(bytes, 24);
  const formats = bytes[29] ?? 0;
  const screen = bytes.subarray(((vendorEnd + 3) & ~3) + 8 * formats);
  return {
    vendor: new TextDecoder().decode(bytes.subarray(40, vendorEnd)),
    idBase: u32At(bytes, 12),
    idMask: u32At(bytes, 16),
    root: u32At(screen, 0),
    white: u32At(screen, 8),
    width: u16At(screen, 20),
    height: u16At(screen, 22),
  };
}
