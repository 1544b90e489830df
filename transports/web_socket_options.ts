import type { Transport } from "./transport.ts";

/** Options of `webSocket()`. */
export interface WebSocketOptions {
  /**
   * `ws://HOST:PORT/PATH` or `wss://…`, without a fragment. A listener takes
   * requests for this path alone; at port 0 it listens at any free port.
   */
  url: string | URL;
  /**
   * Subprotocols, the best first: those to ask for, or those that a listener
   * speaks.
   *
   * @default {[]}
   */
  protocols?: readonly string[] | undefined;
  /**
   * Fields of a client's request, such as `Authorization`.
   *
   * @default {{}}
   */
  headers?: ConstructorParameters<typeof Headers>[0] | undefined;
  /**
   * Origins whose pages may connect to a listener, such as
   * `https://example.com`, beside its own: `http:` (`https:` for `wss:`), the
   * host of `url` or a name of loopback if it listens there, and its port.
   *
   * @default {[]}
   */
  origins?: readonly string[] | undefined;
  /**
   * Whether messages keep their bounds, for the codec `webSocketMessages`.
   *
   * @default {false}
   */
  messages?: boolean | undefined;
  /**
   * The transport below: such as `tls()` with certificates, `unix()` or
   * `memory()`.
   *
   * @default {TCP, or TLS for `wss:`, at the host and port of the URL}
   */
  over?: Transport | undefined;
  /**
   * How long a handshake may take, in milliseconds.
   *
   * @default {10000}
   */
  handshakeTimeout?: number | undefined;
  /**
   * Called for each peer that a listener has refused, with the reason: a failed
   * handshake is not an error of `accept()`.
   *
   * @default {undefined}
   */
  onHandshakeError?: ((error: unknown) => void) | undefined;
}
