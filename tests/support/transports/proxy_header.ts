import { concat } from "@std/bytes";

/** The signature of version 2. */
export const SIGNATURE = Uint8Array.of(
  ...[0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d],
  ...[0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a],
);

/** A header of version 2, whether it makes sense or not. */
export interface BinaryHeader {
  /** The version and the command; by default 2 and PROXY. */
  command?: number;
  family: number;
  /** The addresses, the ports and the TLVs. */
  body: Uint8Array | number[];
  /** By default the body's own. */
  length?: number;
}

export function binaryHeader(
  { command = 0x21, family, body, length = body.length }: BinaryHeader,
): Uint8Array {
  const fixed = [command, family, length >> 8, length & 0xff];
  return concat([SIGNATURE, Uint8Array.from([...fixed, ...body])]);
}

export function textHeader(line: string): Uint8Array {
  return new TextEncoder().encode(`${line}\r\n`);
}
