import type { CodecInput } from "../../protocol/codecs/codec_input.ts";
import { ExtensionCodec } from "../_deps.ts";
import { headerAt } from "./header.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Decodes the value at the front of a buffer, which a `ValueScanner` has found to
 * be whole. The package would refuse the key `__proto__`, and read behind the end
 * of a string that is not UTF-8.
 */
export class ValueReader {
  readonly #input: CodecInput;
  readonly #bigint: boolean;
  /** Where the next header begins. */
  #at = 0;

  /** @param bigint Whether integers of 64 bits are a `bigint`. */
  constructor(input: CodecInput, bigint: boolean) {
    this.#input = input;
    this.#bigint = bigint;
  }

  /**
   * The next value.
   *
   * @throws {Error} A key is not a string or a number, or a timestamp is malformed.
   */
  read(): unknown {
    const input = this.#input;
    const header = headerAt(input, this.#at);
    if (!header) throw new RangeError("The value is not whole");
    const { kind, size, payload, values } = header;
    const start = this.#at + size;
    const end = this.#at = start + payload;
    switch (kind) {
      case "constant":
        return constant(input.at(start - 1) ?? 0);
      case "uint":
        return this.#integer(input.uint(start, payload));
      case "int":
        return this.#integer(input.int(start, payload));
      case "float":
        return input.float(start, payload === 4 ? 4 : 8);
      case "text":
        return decoder.decode(input.subarray(start, end));
      case "bytes":
        return input.subarray(start, end).slice();
      case "extension": {
        const data = input.subarray(start + 1, end).slice();
        const type = input.int(start, 1);
        return ExtensionCodec.defaultCodec.decode(data, type, undefined);
      }
      case "array":
        return this.#array(values);
      case "map":
        return this.#map(values / 2);
    }
  }

  #integer(value: number | bigint): number | bigint {
    return this.#bigint ? value : Number(value);
  }

  #array(length: number): unknown[] {
    const array: unknown[] = [];
    while (array.length < length) array.push(this.read());
    return array;
  }

  #map(length: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    for (let read = 0; read < length; read++) {
      const key = this.#key();
      const value = this.read();
      // An assignment would set the prototype.
      if (key === "__proto__") define(map, key, value);
      else map[key] = value;
    }
    return map;
  }

  #key(): string | number {
    const key = this.read();
    if (typeof key === "string" || typeof key === "number") return key;
    throw new TypeError(
      `A key is ${typeof key}: it must be a string or a number`,
    );
  }
}

/** The value that is one byte. */
function constant(byte: number): unknown {
  if (byte === 0xc0) return null;
  if (byte === 0xc2) return false;
  if (byte === 0xc3) return true;
  return byte <= 0x7f ? byte : byte - 0x100;
}

/** Makes a property as `JSON.parse` does. */
function define(map: object, key: string, value: unknown): void {
  const configurable = true;
  Object.defineProperty(map, key, {
    ...{ value, configurable, enumerable: true, writable: true },
  });
}
