import { DecodeError } from "../../errors.ts";
import { booleanOption } from "../_util/options.ts";
import { restoreLongIntegers } from "./long_integers.ts";
import type { JSONOptions } from "../options.ts";

// ECMAScript 2026, "JSON.parse source text access"; TypeScript's library has no
// types for it yet.
const json = JSON as unknown as { rawJSON(text: string): object };

/** Makes JSON texts of values, and values of JSON texts. */
export class JSONText {
  readonly #bigint: boolean;

  constructor(options: JSONOptions) {
    const { bigint = false } = options;
    this.#bigint = booleanOption("bigint", bigint);
  }

  /**
   * The value of a JSON text.
   *
   * @throws {SyntaxError} The text is not JSON. A byte order mark is refused, too:
   * RFC 8259 §8.1 forbids to send one.
   * @throws {RangeError} An integer is too long.
   */
  parse(text: string): unknown {
    const value: unknown = JSON.parse(text);
    return this.#bigint ? restoreLongIntegers(text, value) : value;
  }

  /**
   * The value of a message's JSON text.
   *
   * @param offset Where the message begins in the stream, for the error.
   * @param bytes Gives the bytes of the message, for the error.
   * @throws {DecodeError} The text is not JSON, or has an integer that is too long.
   */
  decode(text: string, offset: number, bytes: () => Uint8Array): unknown {
    try {
      return this.parse(text);
    } catch (error) {
      const message = "Message is not JSON";
      const cause = withoutExcerpt(error);
      throw new DecodeError(message, { offset, bytes: bytes(), cause });
    }
  }

  /**
   * The JSON text of a value: on one line, or indented by so many blanks.
   *
   * @throws {TypeError} The value has no JSON text: it is `undefined`, a function, a
   * symbol or circular, or has a `bigint` in it and `bigint` is not set.
   */
  stringify(value: unknown, indent = 0): string {
    const text = this.#bigint
      ? stringifyIntegers(value, indent)
      : stringifyPlainly(value, indent);
    if (text === undefined) {
      throw new TypeError(
        `Cannot encode: message is ${typeof value}, which has no JSON text`,
      );
    }
    return text;
  }
}

/**
 * The error without the part of the text that V8 quotes in it: the part may be
 * anywhere in a message, so it may be a secret.
 */
function withoutExcerpt(error: unknown): unknown {
  return error instanceof SyntaxError
    ? new SyntaxError(error.message.replace(/"[^]*"/, '"…"'))
    : error;
}

/**
 * Without further arguments, V8 takes half the time, and no stack for values that
 * are nested deep.
 */
function stringifyPlainly(value: unknown, indent: number): string {
  return indent === 0
    ? JSON.stringify(value)
    : JSON.stringify(value, null, indent);
}

function stringifyIntegers(value: unknown, indent: number): string {
  try {
    return stringifyPlainly(value, indent);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, replaceBigInt, indent);
  }
}

function replaceBigInt(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? json.rawJSON(String(value)) : value;
}
