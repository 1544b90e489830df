import type {
  JSONRPCId,
  JSONRPCNotification,
  JSONRPCRequest,
} from "../messages.ts";

/**
 * Checks what a caller gives.
 *
 * @throws {TypeError} The method is not a string, or the params are not an
 * object or array.
 */
export function checkCall(method: string, params: unknown): void {
  if (typeof method !== "string") {
    throw new TypeError(
      `Cannot call: method is ${typeof method}: it must be a string`,
    );
  }
  if (params !== undefined && (typeof params !== "object" || params === null)) {
    throw new TypeError(
      `Cannot call ${JSON.stringify(method)}: params is ${
        params === null ? "null" : typeof params
      }: it must be an object or an array`,
    );
  }
}

/** The message of a request; see {@linkcode checkCall}. */
export function requestMessage(
  id: JSONRPCId,
  method: string,
  params: unknown,
): JSONRPCRequest {
  const jsonrpc = "2.0";
  return params === undefined
    ? { jsonrpc, id, method }
    : { jsonrpc, id, method, params };
}

/** The message of a notification, whose method and params are checked. */
export function notificationMessage(
  method: string,
  params: unknown,
): JSONRPCNotification {
  checkCall(method, params);
  const jsonrpc = "2.0";
  return params === undefined
    ? { jsonrpc, method }
    : { jsonrpc, method, params };
}
