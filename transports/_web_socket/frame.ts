/** Opcodes (RFC 6455 §11.8). */
export const Opcode = {
  CONTINUATION: 0x0,
  TEXT: 0x1,
  BINARY: 0x2,
  CLOSE: 0x8,
  PING: 0x9,
  PONG: 0xa,
} as const;

/** The longest header: two bytes, a length of eight, a mask of four. */
export const MAX_HEADER_BYTES = 14;

/** The longest payload of a control frame (§5.5). */
export const MAX_CONTROL_BYTES = 125;

/** What stands before the payload of a frame (§5.2). */
export interface FrameHeader {
  /** Whether this is the last frame of its message. */
  readonly fin: boolean;
  readonly opcode: number;
  readonly length: number;
  /** The four bytes of the mask, if the payload is masked. */
  readonly mask: Uint8Array | undefined;
  /** The bytes of the header itself. */
  readonly size: number;
}

/** A peer that breaks the rules of the protocol, and the code to close with. */
export class WebSocketError extends Error {
  /** The code of the Close frame (§7.4.1). */
  readonly code: number;

  constructor(message: string, code = 1002) {
    super(message);
    this.name = "WebSocketError";
    this.code = code;
  }
}

/**
 * The header at the front of the bytes; `undefined` if it is not complete.
 *
 * @throws {WebSocketError} It breaks a rule of §5.2 or §5.5.
 */
export function parseHeader(bytes: Uint8Array): FrameHeader | undefined {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const fin = (first & 0x80) !== 0;
  const opcode = first & 0x0f;
  if ((first & 0x70) !== 0) {
    throw new WebSocketError("a reserved bit is set, no extension was agreed");
  }
  checkOpcode(opcode, fin, second & 0x7f);
  const { length, bytes: lengthBytes } = parseLength(bytes, second & 0x7f) ??
    {};
  if (length === undefined || lengthBytes === undefined) return undefined;
  const masked = (second & 0x80) !== 0;
  const start = 2 + lengthBytes;
  const size = masked ? start + 4 : start;
  if (bytes.length < size) return undefined;
  const mask = masked ? bytes.slice(start, size) : undefined;
  return { fin, opcode, length, mask, size };
}

/** Whether frames with this opcode may stand between those of a message. */
export function isControl(opcode: number): boolean {
  return (opcode & 0x8) !== 0;
}

/**
 * Writes a header to the front of `into`, and returns its size.
 *
 * @param mask The four bytes of the mask, if the payload is masked.
 */
export function writeHeader(
  into: Uint8Array,
  { fin, opcode, length, mask }: Omit<FrameHeader, "size">,
): number {
  into[0] = (fin ? 0x80 : 0) | opcode;
  const flag = mask ? 0x80 : 0;
  let size = 2;
  if (length < 126) {
    into[1] = flag | length;
  } else {
    const bytes = length < 0x10000 ? 2 : 8;
    into[1] = flag | (bytes === 2 ? 126 : 127);
    for (let i = 0; i < bytes; i++) {
      into[size + i] = Math.floor(length / 256 ** (bytes - 1 - i)) % 256;
    }
    size += bytes;
  }
  if (mask) {
    into.set(mask, size);
    size += 4;
  }
  return size;
}

/** Masks or unmasks bytes in place (§5.3); `position` is that of the first one. */
export function applyMask(
  bytes: Uint8Array,
  mask: Uint8Array,
  position: number,
): void {
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (bytes[i] ?? 0) ^ (mask[(position + i) & 3] ?? 0);
  }
}

function checkOpcode(opcode: number, fin: boolean, length: number): void {
  if (opcode > Opcode.PONG || opcode > Opcode.BINARY && opcode < Opcode.CLOSE) {
    throw new WebSocketError(`opcode ${opcode} is reserved`);
  }
  if (!isControl(opcode)) return;
  if (!fin) throw new WebSocketError("a control frame is fragmented");
  if (length > MAX_CONTROL_BYTES) {
    throw new WebSocketError(
      `a control frame is longer than ${MAX_CONTROL_BYTES} bytes`,
    );
  }
}

function parseLength(
  bytes: Uint8Array,
  short: number,
): { length: number; bytes: number } | undefined {
  if (short < 126) return { length: short, bytes: 0 };
  const count = short === 126 ? 2 : 8;
  if (bytes.length < 2 + count) return undefined;
  let length = 0;
  for (let i = 0; i < count; i++) length = 256 * length + (bytes[2 + i] ?? 0);
  if (length > Number.MAX_SAFE_INTEGER) {
    throw new WebSocketError("a frame is longer than 2^53 bytes", 1009);
  }
  if (length < (count === 2 ? 126 : 0x10000)) {
    throw new WebSocketError("a length is not in its shortest form");
  }
  return { length, bytes: count };
}
