/** The id of a request: its response has the same. */
export type JSONRPCId = number | string | null;

/** A notification, which is not answered (JSON-RPC 2.0 §4.1). */
export interface JSONRPCNotification {
  /** The version. */
  readonly jsonrpc: "2.0";
  /** The name of the method. */
  readonly method: string;
  /** An object, or an array of positional params; absent if there are none. */
  readonly params?: unknown;
}

/** A request, which the peer answers (§4). */
export interface JSONRPCRequest extends JSONRPCNotification {
  /** The id of the response. */
  readonly id: JSONRPCId;
}

/** The error of a response (§5.1). */
export interface JSONRPCErrorObject {
  /** An integer for the kind of error. */
  readonly code: number;
  /** One sentence about the error. */
  readonly message: string;
  /** More about the error. */
  readonly data?: unknown;
}

/** A response with a result (§5). */
export interface JSONRPCSuccess {
  /** The version. */
  readonly jsonrpc: "2.0";
  /** The id of the request. */
  readonly id: JSONRPCId;
  /** The value that the method returned. */
  readonly result: unknown;
}

/** A response with an error (§5). */
export interface JSONRPCFailure {
  /** The version. */
  readonly jsonrpc: "2.0";
  /** The id of the request; null if the request could not be read. */
  readonly id: JSONRPCId;
  /** The error. */
  readonly error: JSONRPCErrorObject;
}

/** A response: a result or an error. */
export type JSONRPCResponse = JSONRPCSuccess | JSONRPCFailure;

/** One message, or a batch of them (§6). */
export type JSONRPCMessage =
  | JSONRPCRequest
  | JSONRPCNotification
  | JSONRPCResponse
  | readonly (JSONRPCRequest | JSONRPCNotification | JSONRPCResponse)[];
