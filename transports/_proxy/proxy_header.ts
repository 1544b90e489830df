import { systemErrors } from "../_util/system_errors.ts";

/** An end of a connection; IPv6 without brackets. */
export interface ProxiedEnd {
  readonly hostname: string;
  readonly port: number;
}

/** The ends of the connection between the client and the proxy. */
export interface ProxiedEnds {
  /** The client. */
  readonly source: ProxiedEnd;
  /** The address that the client has dialled. */
  readonly destination: ProxiedEnd;
}

/** One version of the PROXY header. */
export interface ProxyHeaderVersion {
  /** The first bytes, by which it is recognized. */
  readonly signature: Uint8Array;
  /**
   * The fewest bytes that are still to come; 0 if the header is complete.
   *
   * @throws {Deno.errors.InvalidData} It is malformed, or too long.
   */
  missing(bytes: Uint8Array): number;
  /**
   * The ends that a complete header names, if it names any.
   *
   * @throws {Deno.errors.InvalidData} It is malformed.
   */
  parse(bytes: Uint8Array): ProxiedEnds | undefined;
}

/** The error for a byte that is not as expected. */
export function unexpected(
  offset: number,
  actual: string,
  expected: string,
): Error {
  return new systemErrors.InvalidData(
    `byte ${offset} ${actual}, expected ${expected}`,
  );
}

/** Shows a byte in a message. */
export function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
