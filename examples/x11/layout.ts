import { concat } from "@std/bytes";
import { BYTE_ORDER } from "./codec.ts";

/** Integers of a size in our byte order, for the body of a request. */
export const u16 = (...values: number[]): Uint8Array =>
  new Uint8Array(Uint16Array.from(values).buffer);
export const i16 = u16; // two's complement: the same bits
export const u32 = (...values: number[]): Uint8Array =>
  new Uint8Array(Uint32Array.from(values).buffer);
export const text = (value: string): Uint8Array =>
  new TextEncoder().encode(value);

/** The integers at a position of a message. */
export const u16At = (bytes: Uint8Array, at: number): number =>
  viewOf(bytes).getUint16(at, LITTLE);
export const u32At = (bytes: Uint8Array, at: number): number =>
  viewOf(bytes).getUint32(at, LITTLE);

const LITTLE = BYTE_ORDER === "little";

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Joins parts, and fills them up to a multiple of 4 bytes. */
export function padded(...parts: Uint8Array[]): Uint8Array {
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

/** How a client introduces itself. */
export function setupRequest(name: string, secret: Uint8Array): Uint8Array {
  const order = text(LITTLE ? "l" : "B");
  const lengths = u16(11, 0, name.length, secret.length, 0);
  return padded(order, Uint8Array.of(0), lengths, padded(text(name)), secret);
}

/** What a server tells of itself and of its first screen. */
export interface Setup {
  vendor: string;
  /** The ids that are ours: this number, and any of the mask's bits. */
  idBase: number;
  idMask: number;
  screen: Screen;
}

export interface Screen {
  /** The id of the window that all others are in. */
  root: number;
  /** The number of the colour. */
  white: number;
  width: number;
  height: number;
  depth: number;
}

/** Reads the set-up of a server that has let us in. */
export function readSetup(bytes: Uint8Array): Setup {
  const vendorLength = u16At(bytes, 24);
  const vendor = new TextDecoder()
    .decode(bytes.subarray(40, 40 + vendorLength));
  const formats = bytes[29] ?? 0;
  const screen = bytes.subarray(40 + ((vendorLength + 3) & ~3) + 8 * formats);
  return {
    vendor,
    idBase: u32At(bytes, 12),
    idMask: u32At(bytes, 16),
    screen: {
      root: u32At(screen, 0),
      white: u32At(screen, 8),
      width: u16At(screen, 20),
      height: u16At(screen, 22),
      depth: screen[38] ?? 0,
    },
  };
}
