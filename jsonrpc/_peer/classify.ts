import { isRecord } from "../cancellation.ts";
import type { JSONRPCErrorObject, JSONRPCId } from "../messages.ts";

/** A received message, classified. */
export type Classified =
  | { kind: "request"; id: JSONRPCId; method: string; params: unknown }
  | { kind: "notification"; method: string; params: unknown }
  | { kind: "result"; id: JSONRPCId; result: unknown }
  | { kind: "error"; id: JSONRPCId; error: JSONRPCErrorObject }
  | { kind: "badResponse"; id: JSONRPCId | undefined; reason: string }
  | { kind: "invalid"; id: JSONRPCId; reason: string };

const BAD_ID =
  "id is not a string, a number from -(2^53 - 1) to 2^53 - 1, or null";

/** Classifies a message (JSON-RPC 2.0 §4 and §5), or says why it is invalid. */
export function classify(message: unknown): Classified {
  if (!isRecord(message)) return invalid(null, "the message is not an object");
  const { hasOwn } = Object;
  const given = hasOwn(message, "id") ? message.id : undefined;
  const id = isId(given) ? given : undefined;
  if (!hasOwn(message, "method")) {
    return id !== undefined || hasOwn(message, "result") ||
        hasOwn(message, "error")
      ? classifyResponse(message, id)
      : invalid(null, "there is no method and no id");
  }
  if (given !== undefined && id === undefined) {
    return invalid(null, BAD_ID);
  }
  return message.jsonrpc === "2.0"
    ? classifyCall(message, id)
    : invalid(id ?? null, 'jsonrpc is not "2.0"');
}

function classifyResponse(
  message: Record<string, unknown>,
  id: JSONRPCId | undefined,
): Classified {
  const bad = (reason: string): Classified => (
    { kind: "badResponse", id, reason }
  );
  const { jsonrpc, error } = message;
  if (id === undefined) return bad(BAD_ID);
  if (jsonrpc !== "2.0") return bad('jsonrpc is not "2.0"');
  // Some servers write null if there is no error.
  if (error !== undefined && error !== null) {
    return isErrorObject(error)
      ? { kind: "error", id, error }
      : bad("error is not an object with a code and a message");
  }
  return Object.hasOwn(message, "result")
    ? { kind: "result", id, result: message.result }
    : bad("there is no method, no result and no error");
}

function classifyCall(
  { method, params }: Record<string, unknown>,
  id: JSONRPCId | undefined,
): Classified {
  if (typeof method !== "string") {
    return invalid(id ?? null, "method is not a string");
  }
  // Some clients write null for absent params.
  const given = params ?? undefined;
  if (given !== undefined && typeof given !== "object") {
    return invalid(id ?? null, "params is not an object or an array");
  }
  return id === undefined
    ? { kind: "notification", method, params: given }
    : { kind: "request", id, method, params: given };
}

function invalid(id: JSONRPCId, reason: string): Classified {
  return { kind: "invalid", id, reason };
}

/** A larger number has lost digits: the answer would have another id. */
function isId(id: unknown): id is JSONRPCId {
  return typeof id === "string" || id === null ||
    typeof id === "number" && Math.abs(id) <= Number.MAX_SAFE_INTEGER;
}

function isErrorObject(error: unknown): error is JSONRPCErrorObject {
  return isRecord(error) && Number.isInteger(error.code) &&
    typeof error.message === "string";
}
