import { ParleyError } from "../protocol/errors.ts";
import type { JSONRPCErrorObject } from "./messages.ts";

/**
 * The codes that JSON-RPC 2.0 §5.1 reserves, and the code of a cancelled request
 * (Language Server Protocol 3.17).
 */
export const JSONRPCErrorCode = {
  /** The text is not JSON. */
  PARSE_ERROR: -32700,
  /** The JSON is not a request. */
  INVALID_REQUEST: -32600,
  /** There is no such method. */
  METHOD_NOT_FOUND: -32601,
  /** The method cannot take these params. */
  INVALID_PARAMS: -32602,
  /** The handler has failed. */
  INTERNAL_ERROR: -32603,
  /** The peer accepts no more requests now. */
  SERVER_BUSY: -32000,
  /** The caller has cancelled the request. */
  REQUEST_CANCELLED: -32800,
} as const;

/** Options of {@linkcode JSONRPCError}. */
export interface JSONRPCErrorOptions extends ErrorOptions {
  /** An integer. The codes from -32768 to -32000 are reserved (§5.1). */
  code: number;
  /**
   * More about the error, sent as it is.
   *
   * @default {undefined}
   */
  data?: unknown;
}

/**
 * The error of a response. A handler throws it to answer with this code,
 * message and data; a request rejects with it if the peer has answered so.
 *
 * @example An error with a code
 * ```ts
 * import { JSONRPCError, JSONRPCErrorCode } from "@parley/parley/jsonrpc";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new JSONRPCError("x must be a number", {
 *   code: JSONRPCErrorCode.INVALID_PARAMS,
 *   data: { x: "one" },
 * });
 * assertEquals(error.code, -32602);
 * ```
 */
export class JSONRPCError extends ParleyError {
  /** The code, as it was sent. */
  readonly code: number;
  /** More about the error, as it was sent. */
  readonly data?: unknown;

  /**
   * Takes the code and the data beside the message.
   *
   * @throws {TypeError} `code` is not an integer.
   */
  constructor(message: string, options: JSONRPCErrorOptions) {
    super(message, options);
    const { code, data } = options;
    if (!Number.isInteger(code)) {
      throw new TypeError(
        `Cannot make a JSONRPCError: code is ${code}: it must be an integer`,
      );
    }
    this.code = code;
    if (data !== undefined) this.data = data;
  }

  /** The error as a response has it. */
  toJSON(): JSONRPCErrorObject {
    const { code, message, data } = this;
    return data === undefined ? { code, message } : { code, message, data };
  }
}
