import type { AsyncProtocol } from "../protocol/async_protocol.ts";
import type { QMPMessage } from "./messages.ts";
import type {
  AnySchema,
  EmitParameters,
  EventName,
  QMPSchema,
} from "./schema.ts";

/** One client's session with a `QMPServer`, which makes it. */
export interface QMPSession<S extends QMPSchema = AnySchema>
  extends AsyncProtocol<unknown, QMPMessage> {
  /** Whether the client has negotiated, so that it can execute commands. */
  readonly negotiated: boolean;
  /**
   * Sends an event to this client, if it has negotiated. Resolves when there is
   * room for more, and when the session ends before.
   *
   * @throws {TypeError} The data has no JSON text.
   */
  emit<N extends EventName<S>>(
    name: N,
    ...data: EmitParameters<S, N>
  ): Promise<void>;
  /**
   * Ends the session in order: what has been received is executed and answered,
   * nothing more is read, and then it is disconnected.
   */
  finish(): Promise<void>;
}
