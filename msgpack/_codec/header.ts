import type { CodecInput } from "../../protocol/codecs/codec_input.ts";
import { DecodeError } from "../../protocol/errors.ts";

/** The beginning of a value. */
export interface Header {
  /** What the value is; a constant is a small integer, nil or a boolean. */
  readonly kind:
    | "constant"
    | "uint"
    | "int"
    | "float"
    | "text"
    | "bytes"
    | "extension"
    | "array"
    | "map";
  /** The number of the header's own bytes. */
  readonly size: number;
  /** The number of bytes behind it. */
  readonly payload: number;
  /** The number of values in an array or map: keys are values, too. */
  readonly values: number;
}

/**
 * The header at a position, or `undefined` if it is not complete (MessagePack
 * specification, "Formats").
 *
 * @throws {DecodeError} It begins with 0xc1.
 */
export function headerAt(input: CodecInput, at: number): Header | undefined {
  const byte = input.at(at);
  if (byte === undefined) return undefined;
  if (byte <= 0x7f || byte >= 0xe0) return scalar("constant", 0);
  if (byte <= 0x8f) return container("map", 1, byte & 0x0f);
  if (byte <= 0x9f) return container("array", 1, byte & 0x0f);
  if (byte <= 0xbf) return scalar("text", byte & 0x1f);
  switch (byte) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return scalar("constant", 0);
    case 0xc4: // bin 8, 16, 32
    case 0xc5:
    case 0xc6:
      return sized("bytes", input, at, 2 ** (byte - 0xc4));
    case 0xc7: // ext 8, 16, 32
    case 0xc8:
    case 0xc9:
      return sized("extension", input, at, 2 ** (byte - 0xc7));
    case 0xca: // float 32, 64
    case 0xcb:
      return scalar("float", 2 ** (byte - 0xc8));
    case 0xcc: // uint 8, 16, 32, 64
    case 0xcd:
    case 0xce:
    case 0xcf:
      return scalar("uint", 2 ** (byte - 0xcc));
    case 0xd0: // int 8, 16, 32, 64
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return scalar("int", 2 ** (byte - 0xd0));
    case 0xd4: // fixext 1, 2, 4, 8, 16: a type byte before the data
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return scalar("extension", 1 + 2 ** (byte - 0xd4));
    case 0xd9: // str 8, 16, 32
    case 0xda:
    case 0xdb:
      return sized("text", input, at, 2 ** (byte - 0xd9));
    case 0xdc: // array 16, 32
    case 0xdd:
      return counted("array", input, at, 2 ** (byte - 0xdb));
    case 0xde: // map 16, 32
    case 0xdf:
      return counted("map", input, at, 2 ** (byte - 0xdd));
    default:
      throw new DecodeError("Message has a byte that is never used", {
        offset: input.offset,
        bytes: input.subarray(at),
      });
  }
}

function scalar(kind: Header["kind"], payload: number): Header {
  return { kind, size: 1, payload, values: 0 };
}

function container(
  kind: "array" | "map",
  size: number,
  count: number,
): Header {
  const values = kind === "map" ? 2 * count : count;
  return { kind, size, payload: 0, values };
}

/** A header whose length, of so many bytes, counts the bytes behind it. */
function sized(
  kind: "text" | "bytes" | "extension",
  input: CodecInput,
  at: number,
  bytes: number,
): Header | undefined {
  const length = uintAt(input, at + 1, bytes);
  if (length === undefined) return undefined;
  const payload = kind === "extension" ? 1 + length : length; // Its type.
  return { kind, size: 1 + bytes, payload, values: 0 };
}

/** A header whose count, of so many bytes, counts elements or pairs. */
function counted(
  kind: "array" | "map",
  input: CodecInput,
  at: number,
  bytes: number,
): Header | undefined {
  const count = uintAt(input, at + 1, bytes);
  return count === undefined ? undefined : container(kind, 1 + bytes, count);
}

function uintAt(
  input: CodecInput,
  at: number,
  bytes: number,
): number | undefined {
  if (input.length < at + bytes) return undefined;
  return Number(input.uint(at, bytes));
}
