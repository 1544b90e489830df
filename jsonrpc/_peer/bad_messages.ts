import { DecodeError } from "../../protocol/errors.ts";
import { JSONRPCErrorCode } from "../errors.ts";
import type { JSONRPCResponse } from "../messages.ts";
import { failure } from "./incoming.ts";

/**
 * Options of a codec of JSON: a bad message is delivered, so that the peer is
 * told. The session counts bad messages of every kind itself.
 */
export const BAD_MESSAGES = {
  badMessages: "deliver",
  maxBadMessages: Infinity,
} as const;

/** The response to a bad message, whose id is not known (JSON-RPC 2.0 §5). */
export function badMessageResponse(message: unknown): JSONRPCResponse {
  const { PARSE_ERROR, INVALID_REQUEST } = JSONRPCErrorCode;
  return message instanceof DecodeError
    ? failure(null, PARSE_ERROR, "Parse error")
    : failure(null, INVALID_REQUEST, "Invalid Request");
}
