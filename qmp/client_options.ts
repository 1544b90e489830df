import type { AsyncProtocolOptions } from "../protocol/mod.ts";
import type { WaitOptions } from "../transports/transport.ts";

/** Options of a client. */
export interface QMPClientOptions extends AsyncProtocolOptions {
  /**
   * The maximum size of an incoming message, in bytes.
   *
   * @default {10485760}
   */
  maxMessageBytes?: number | undefined;
  /**
   * Whether the server greets at the start of a session.
   *
   * @default {true}
   */
  awaitGreeting?: boolean | undefined;
  /**
   * Whether to await the greeting and negotiate capabilities: all capabilities
   * that the server offers and the client knows are enabled. Otherwise the server
   * stays in negotiation mode.
   *
   * @default {true}
   */
  negotiate?: boolean | undefined;
  /**
   * How long the server may be silent in each phase of the handshake, in
   * milliseconds. The phases are the greeting and the negotiation.
   *
   * @default {10000}
   */
  handshakeTimeout?: number | undefined;
}

/** Options of a command's execution. */
export interface ExecuteOptions extends WaitOptions {
  /**
   * Whether the command is executed out of band: at once, before commands that
   * wait. The server must offer this, and must allow it for the command.
   *
   * @default {false}
   */
  oob?: boolean | undefined;
  /**
   * The deadline of the reply, in milliseconds from the call.
   *
   * @default {Infinity}
   */
  timeout?: number | undefined;
  /**
   * Called when the command has been handed to the transport. A command that is
   * aborted before is never sent; a command that is aborted later may run.
   *
   * @default {undefined}
   */
  onSent?: (() => void) | undefined;
}
