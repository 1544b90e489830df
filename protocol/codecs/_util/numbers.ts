import { DecodeError } from "../../errors.ts";
import type { CodecInput, Endianness, Varint } from "../codec_input.ts";
import type { CodecOutput } from "../codec_output.ts";

/** Integers of more bytes are a `bigint`. */
const MAX_NUMBER_BYTES = 6;
const MAX_BYTES = 8;
/** 64 bits in groups of 7. */
const MAX_VARINT_BYTES = 10;

const scratch = new DataView(new ArrayBuffer(MAX_BYTES));

export function readUint(
  input: CodecInput,
  position: number,
  size: number,
  endianness: Endianness,
): number | bigint {
  assertSize(size);
  assertArrived(input, position, size);
  if (size > MAX_NUMBER_BYTES) {
    load(input, position, size, endianness);
    return scratch.getBigUint64(0);
  }
  let value = 0;
  for (let i = 0; i < size; i++) {
    const place = endianness === "little" ? size - 1 - i : i;
    value = 256 * value + (input.at(position + place) ?? 0);
  }
  return value;
}

export function readInt(
  input: CodecInput,
  position: number,
  size: number,
  endianness: Endianness,
): number | bigint {
  const value = readUint(input, position, size, endianness);
  if (typeof value === "bigint") return BigInt.asIntN(8 * size, value);
  return value < 2 ** (8 * size - 1) ? value : value - 2 ** (8 * size);
}

export function readFloat(
  input: CodecInput,
  position: number,
  size: number,
  endianness: Endianness,
): number {
  assertFloatSize(size);
  assertArrived(input, position, size);
  load(input, position, size, endianness);
  return size === 4 ? scratch.getFloat32(4) : scratch.getFloat64(0);
}

export function readVarint(
  input: CodecInput,
  position: number,
): Varint | undefined {
  let value = 0;
  for (let size = 1; size <= MAX_VARINT_BYTES; size++) {
    const byte = input.at(position + size - 1);
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * (size - 1));
    if (value > Number.MAX_SAFE_INTEGER) {
      throw badVarint(input, position, "is larger than 2^53 - 1");
    }
    if (byte < 0x80) return { value, size };
  }
  const problem = `has more than ${MAX_VARINT_BYTES} bytes`;
  throw badVarint(input, position, problem);
}

export function writeUint(
  output: CodecOutput,
  value: number | bigint,
  size: number,
  endianness: Endianness,
): void {
  assertSize(size);
  assertInteger(value, 0, 2 ** (8 * size));
  writeInteger(output, value, size, endianness);
}

export function writeInt(
  output: CodecOutput,
  value: number | bigint,
  size: number,
  endianness: Endianness,
): void {
  assertSize(size);
  const end = 2 ** (8 * size - 1);
  assertInteger(value, -end, end);
  writeInteger(output, value, size, endianness);
}

export function writeFloat(
  output: CodecOutput,
  value: number,
  size: number,
  endianness: Endianness,
): void {
  assertFloatSize(size);
  if (size === 4) scratch.setFloat32(4, value);
  else scratch.setFloat64(0, value);
  store(output, size, endianness);
}

export function writeVarint(output: CodecOutput, value: number): void {
  assertInteger(value, 0, Number.MAX_SAFE_INTEGER + 1);
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    output.byte(rest % 0x80 + 0x80);
  }
  output.byte(rest);
}

function writeInteger(
  output: CodecOutput,
  value: number | bigint,
  size: number,
  endianness: Endianness,
): void {
  if (size > MAX_NUMBER_BYTES) {
    scratch.setBigUint64(0, BigInt.asUintN(8 * size, BigInt(value)));
  } else {
    let rest = Number(value);
    if (rest < 0) rest += 2 ** (8 * size);
    for (let at = MAX_BYTES - 1; at >= MAX_BYTES - size; at--) {
      scratch.setUint8(at, rest % 256);
      rest = Math.floor(rest / 256);
    }
  }
  store(output, size, endianness);
}

/** Fills the end of the scratch space, the most significant byte first. */
function load(
  input: CodecInput,
  position: number,
  size: number,
  endianness: Endianness,
): void {
  scratch.setBigUint64(0, 0n);
  for (let i = 0; i < size; i++) {
    const place = endianness === "little" ? size - 1 - i : i;
    scratch.setUint8(MAX_BYTES - size + i, input.at(position + place) ?? 0);
  }
}

/** Writes the end of the scratch space. */
function store(
  output: CodecOutput,
  size: number,
  endianness: Endianness,
): void {
  for (let i = 0; i < size; i++) {
    const place = endianness === "little" ? size - 1 - i : i;
    output.byte(scratch.getUint8(MAX_BYTES - size + place));
  }
}

function assertSize(size: number): void {
  if (!Number.isInteger(size) || size < 1 || size > MAX_BYTES) {
    throw new RangeError(
      `Cannot convert integer: size is ${size}, expected 1 to ${MAX_BYTES} bytes`,
    );
  }
}

function assertFloatSize(size: number): void {
  if (size !== 4 && size !== 8) {
    throw new RangeError(
      `Cannot convert float: size is ${size}, expected 4 or 8 bytes`,
    );
  }
}

function assertArrived(
  input: CodecInput,
  position: number,
  size: number,
): void {
  if (!(position >= 0) || position + size > input.length) {
    throw new RangeError(
      `Cannot read number: it has ${size} bytes at position ${position}, the input has ${input.length} bytes`,
    );
  }
}

function assertInteger(
  value: number | bigint,
  min: number,
  end: number,
): void {
  if (typeof value !== "bigint" && typeof value !== "number") {
    throw new TypeError(
      `Cannot encode integer: value is ${value}, expected a number or a bigint`,
    );
  }
  const isInteger = typeof value === "bigint" || Number.isInteger(value);
  if (!isInteger || value < min || value >= end) {
    throw new RangeError(
      `Cannot encode integer: value is ${value}, expected an integer from ${min} to ${
        BigInt(end) - 1n
      }`,
    );
  }
}

function badVarint(
  input: CodecInput,
  position: number,
  problem: string,
): DecodeError {
  return new DecodeError(`Varint ${problem}`, {
    offset: input.offset + position,
    bytes: input.subarray(position, position + MAX_VARINT_BYTES),
  });
}
