import { QMPClient } from "../client.ts";
import { GuestAgentClient } from "../guest_agent_client.ts";
import type { QMPCommand, QMPEvent } from "../messages.ts";
import { LineError } from "./words.ts";

/** How long a guest agent may take for a command, in milliseconds. */
const AGENT_TIMEOUT_MS = 60_000;

/** A server that the shell talks to. */
export interface Partner {
  /** The client with the session. */
  readonly client: QMPClient | GuestAgentClient;
  /** The events of the session, until it ends. */
  readonly events: AsyncIterable<QMPEvent>;
  /**
   * Executes a command, and resolves with the result.
   *
   * @throws {TypeError} The message is not a command.
   * @throws {LineError} The server has no such messages.
   * @throws {ParleyError} The server refuses, or does not answer.
   * @throws The signal's reason, when it is aborted.
   */
  execute(command: QMPCommand, signal?: AbortSignal): Promise<unknown>;
}

/** A QMP server, such as QEMU. */
export function monitorPartner(): Partner {
  const client = new QMPClient({ name: "shell" });
  return {
    client,
    get events() {
      return client.events;
    },
    execute: (command, signal) => client.executeMessage(command, { signal }),
  };
}

/** The agent in a guest, which has no events and no out-of-band execution. */
export function agentPartner(): Partner {
  const client = new GuestAgentClient({ name: "shell" });
  return {
    client,
    events: (async function* () {})(),
    execute({ execute, arguments: args }, signal) {
      if (typeof execute !== "string") {
        throw new LineError(
          "Cannot execute the message: a guest agent knows only execute",
        );
      }
      // These are answered only when they fail: the client's deadline decides.
      const isSilent = /^guest-(shutdown|suspend-)/.test(execute);
      const timeout = isSilent ? undefined : AGENT_TIMEOUT_MS;
      return client.execute(execute, args ?? {}, { signal, timeout });
    },
  };
}
