import { show } from "../../protocol/_util/show.ts";
import type { Logger } from "../_deps.ts";
import { isObject } from "../_wire/client_codec.ts";
import { BadReplyError } from "../errors.ts";
import type { QMPMessage } from "../messages.ts";
import { fromBase64 } from "./base64.ts";

/** Limits of one command of an agent. */
export interface AgentOptions {
  signal?: AbortSignal | undefined;
  /** The deadline of the reply, in milliseconds from now. */
  timeout?: number | undefined;
  /** Called when it is the command's turn: from now on, only the agent delays it. */
  onTurn?: (() => void) | undefined;
}

/** The parts of an agent's client that programs and files need. */
export interface Agent {
  readonly logger: Logger;
  /** The default deadline of a reply, in milliseconds. */
  readonly timeout: number;
  /** A signal that is aborted when the current session ends, with its cause. */
  session(): AbortSignal;
  execute(
    command: string,
    args: object,
    options?: AgentOptions,
  ): Promise<unknown>;
  /** How many bytes have arrived in this session. */
  bytesReceived(): number;
}

/**
 * Executes a command that returns an object.
 *
 * @throws {BadReplyError} It returns something else.
 */
export async function request(
  agent: Agent,
  command: string,
  args: object,
  options?: AgentOptions,
): Promise<QMPMessage> {
  const result = await agent.execute(command, args, options);
  if (isObject(result)) return result;
  throw badResult("it is not an object", command, args, result);
}

/**
 * The bytes in a member of a result, which may be missing.
 *
 * @throws {BadReplyError} The member is not base64.
 */
export function bytesOf(
  result: QMPMessage,
  member: string,
  command: string,
  args: object,
): Uint8Array<ArrayBuffer> {
  const text = result[member] ?? "";
  try {
    if (typeof text === "string") return fromBase64(text);
  } catch {
    // The error below does not quote the bytes.
  }
  throw badResult(`${member} is not base64`, command, args, result);
}

/** The error for a malformed result of a command. */
export function badResult(
  why: string,
  command: string,
  args: object,
  result: unknown,
): BadReplyError {
  const message = `Cannot use the result of ${command}: ${why}`;
  const sent = { execute: command, arguments: args };
  return new BadReplyError(message, sent, { return: result });
}

/** Bytes as they are, or text as UTF-8. */
export function toBytes(data: Uint8Array | string): Uint8Array {
  if (typeof data === "string") return new TextEncoder().encode(data);
  if (data instanceof Uint8Array) return data;
  throw new TypeError(
    `Cannot send to the guest: data is ${
      show(data)
    }, expected a string or a Uint8Array`,
  );
}
