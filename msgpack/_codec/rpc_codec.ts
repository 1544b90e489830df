import type { Codec } from "../../protocol/codecs/codec.ts";
import type { CodecInput } from "../../protocol/codecs/codec_input.ts";
import type { CodecOutput } from "../../protocol/codecs/codec_output.ts";
import { ProtocolError } from "../../protocol/errors.ts";
import type {
  JSONRPCErrorObject,
  JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  JSONRPCResponse,
} from "../../jsonrpc/messages.ts";

const REQUEST = 0;
const RESPONSE = 1;
const NOTIFICATION = 2;

/**
 * Converts between the arrays of MessagePack-RPC and the messages of JSON-RPC,
 * which have the same content.
 */
export class RPCCodec implements Codec<unknown, JSONRPCMessage> {
  readonly #values: Codec<unknown>;

  /** @param values The codec of the arrays. */
  constructor(values: Codec<unknown>) {
    this.#values = values;
  }

  decode(input: CodecInput): JSONRPCMessage | undefined {
    const { offset } = input;
    const value = this.#values.decode(input);
    if (value === undefined) return undefined;
    const message = Array.isArray(value) ? messageOf(value) : undefined;
    if (message) return message;
    throw new ProtocolError(
      `Message at offset ${offset} is not a request, response or notification of MessagePack-RPC`,
    );
  }

  encode(message: JSONRPCMessage, output: CodecOutput): void {
    if (Array.isArray(message)) {
      throw new TypeError("Cannot encode: MessagePack-RPC has no batches");
    }
    this.#values.encode(valueOf(message as Single), output);
  }
}

type Single = JSONRPCRequest | JSONRPCNotification | JSONRPCResponse;

function messageOf(value: readonly unknown[]): Single | undefined {
  const jsonrpc = "2.0";
  const [type, ...rest] = value;
  if (type === NOTIFICATION && rest.length === 2) {
    const [method, params] = rest;
    return isCall(method, params) ? { jsonrpc, method, params } : undefined;
  }
  const [id, third, fourth] = rest;
  if (!isId(id) || rest.length !== 3) return undefined;
  if (type === REQUEST) {
    return isCall(third, fourth)
      ? { jsonrpc, id, method: third, params: fourth }
      : undefined;
  }
  if (type !== RESPONSE) return undefined;
  return third === null
    ? { jsonrpc, id, result: fourth }
    : { jsonrpc, id, error: errorOf(third) };
}

/** A larger integer has lost digits: the answer would have another id. */
function isId(id: unknown): id is number {
  return Number.isSafeInteger(id);
}

function isCall(method: unknown, params: unknown): method is string {
  return typeof method === "string" && Array.isArray(params);
}

function valueOf(message: Single): unknown[] {
  if ("method" in message) {
    const params = paramsOf(message.params);
    return "id" in message
      ? [REQUEST, message.id, message.method, params]
      : [NOTIFICATION, message.method, params];
  }
  if ("result" in message) return [RESPONSE, message.id, null, message.result];
  const { code, message: text, data } = message.error;
  const error = data === undefined ? [code, text] : [code, text, data];
  return [RESPONSE, message.id, error, null];
}

/** Params are positional: an object becomes the only param. */
function paramsOf(params: unknown): unknown[] {
  if (params === undefined) return [];
  return Array.isArray(params) ? params : [params];
}

/** An error may be any value. Neovim's errors are a number and a text. */
function errorOf(error: unknown): JSONRPCErrorObject {
  if (typeof error === "string") return { code: 0, message: error };
  if (Array.isArray(error)) {
    const [code, message, data] = error;
    if (Number.isInteger(code) && typeof message === "string") {
      return data === undefined ? { code, message } : { code, message, data };
    }
  }
  return {
    code: 0,
    message: "The peer has answered with an error",
    data: error,
  };
}
