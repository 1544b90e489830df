import type { AsyncProtocol } from "../protocol/async_protocol.ts";
import type { WaitOptions } from "../transports/transport.ts";
import type { QMPEvent, QMPMessage } from "./messages.ts";
import type {
  AnySchema,
  EmitParameters,
  EventName,
  QMPSchema,
} from "./schema.ts";

/** Options of `emit()`. */
export interface EmitOptions {
  /**
   * The time of the event, for a relay of another server's events.
   *
   * @default {now}
   */
  timestamp?: QMPEvent["timestamp"] | undefined;
}

/** One client's session with a `QMPServer`, which makes it. */
export interface QMPSession<S extends QMPSchema = AnySchema>
  extends AsyncProtocol<unknown, QMPMessage> {
  /** Whether the client has negotiated, so that it can execute commands. */
  readonly negotiated: boolean;
  /**
   * Sends an event to this client, if it has negotiated. The promise resolves
   * when there is room for more, and when the session ends.
   *
   * @throws {TypeError} The data has no JSON text.
   */
  emit<N extends EventName<S>>(
    name: N,
    ...data: EmitParameters<S, N, EmitOptions>
  ): Promise<void>;
  /**
   * Ends the session in order: received commands are executed and answered,
   * nothing more is read, and the session is disconnected. After `closeTimeout`,
   * or when the signal is aborted, the end is forced.
   *
   * @throws {FlushTimeoutError} The end was forced with bytes unsent.
   */
  finish(options?: WaitOptions): Promise<void>;
}
