import { type ExtData, ExtensionCodec } from "../_deps.ts";

/**
 * The package's way to encode objects, without those that have no form in
 * MessagePack. It encodes any other object as a map of its enumerable properties,
 * of which a `Map` or an `ArrayBuffer` has none.
 */
export class StrictExtensions extends ExtensionCodec {
  readonly #bigint: boolean;

  /** @param bigint Whether a `bigint` is an integer of 64 bits. */
  constructor(bigint: boolean) {
    super();
    this.#bigint = bigint;
  }

  override tryToEncode(value: unknown, context: undefined): ExtData | null {
    if (value instanceof Date) checkDate(value);
    const extension = super.tryToEncode(value, context);
    if (extension || ArrayBuffer.isView(value)) return extension;
    if (!Array.isArray(value) && !isPlain(value)) {
      throw new TypeError(
        `Cannot encode: the message has a ${
          typeOf(value)
        } in it: it must be a primitive, an array, a plain object, a Date or a view of bytes`,
      );
    }
    if (this.#bigint) checkIntegers(Object.values(value));
    return null;
  }
}

/**
 * Checks the members of an array or map. The package would send the lowest 64
 * bits of a `bigint`.
 *
 * @throws {RangeError} A `bigint` does not fit into 64 bits.
 */
export function checkIntegers(values: readonly unknown[]): void {
  for (const value of values) {
    if (typeof value !== "bigint") continue;
    if (value >= -(2n ** 63n) && value < 2n ** 64n) continue;
    throw new RangeError(
      "Cannot encode: the message has a bigint beyond 64 bits in it: it must be from -(2^63) to 2^64 - 1",
    );
  }
}

/** The package would send the year 1970. */
function checkDate(date: Date): void {
  if (!Number.isNaN(date.getTime())) return;
  throw new RangeError(
    "Cannot encode: the message has an invalid Date in it: it must have a time",
  );
}

/** Whether it is a literal, perhaps of another realm, or has no prototype. */
function isPlain(value: unknown): value is object {
  if (typeof value !== "object") return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function typeOf(value: unknown): string {
  return typeof value === "object"
    ? Object.getPrototypeOf(value).constructor?.name
    : typeof value;
}
