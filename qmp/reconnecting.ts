import { Supervisor } from "../protocol/_reconnect/supervisor.ts";
import type { Reconnection, ReconnectPolicy } from "../protocol/mod.ts";
import type {
  Listener,
  Transport,
  WaitOptions,
} from "../transports/transport.ts";
import { QMPEventHub } from "./_client/event_hub.ts";
import { hasEndedByGuest, type QMPClient } from "./client.ts";
import type { ListenOptions, QMPEventListener } from "./event_listener.ts";
import type { QMPEvent } from "./messages.ts";
import type { AnySchema, EventName, EventOf, QMPSchema } from "./schema.ts";

/** Options of {@linkcode reconnecting} for QMP. */
export interface QMPReconnectPolicy extends ReconnectPolicy {
  /**
   * Whether the client is connected again after the guest has shut down, as if its
   * session had been lost, for another QEMU that takes its place. By default the
   * session is the last one, as after `quit()`.
   *
   * @default {false}
   */
  afterShutdown?: boolean | undefined;
}

/** A client that is connected again when it loses its session. */
export interface QMPReconnection<S extends QMPSchema = AnySchema>
  extends Reconnection {
  /**
   * Makes a listener like the client's, but to the events of every session. It
   * ends when no session will follow, at once if that is so already.
   *
   * @throws {RangeError} `limit` or `maxBytes` is not a positive integer.
   */
  listen<N extends EventName<S> = EventName<S>>(
    names?: N | readonly N[],
    options?: ListenOptions<EventOf<S, N>>,
  ): QMPEventListener<EventOf<S, N>>;
}

/**
 * Connects a client, and again whenever its session fails or its server ends it,
 * with pauses that grow. A client that is running already is kept connected from
 * now on. With a listener, the server connects again. The listener stays open: its
 * owner is the caller.
 *
 * Each session is negotiated anew, and commands that were pending have been
 * rejected. A session that ends in order is the last one: after `quit()`,
 * `disconnect()`, or, unless `afterShutdown` is set, a shutdown of the guest.
 *
 * @throws {StateError} The client is neither idle nor running, or `reconnecting()`
 * keeps it connected already.
 * @throws {RangeError} A number of the policy is out of range.
 *
 * @example A client that outlives its server's sessions
 * ```ts
 * import { QMPClient, QMPServer, reconnecting } from "@parley/parley/qmp";
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new QMPServer({
 *   commands: { stop: (_, { server }) => server.emit("STOP") },
 * });
 * const transport = memory(); // or unix({ path: "/run/vm.sock" })
 * server.serve(await transport.listen());
 *
 * const client = new QMPClient();
 * await using connection = reconnecting(client, transport);
 * const stops = connection.listen("STOP");
 * await connection.connected();
 *
 * const lost = client.runstateChanged();
 * for (const session of server.sessions) await session.disconnect();
 * await lost;
 * await connection.connected();
 * await client.execute("stop");
 * assertEquals((await stops.next()).event, "STOP");
 * ```
 */
export function reconnecting<S extends QMPSchema = AnySchema>(
  client: QMPClient<S>,
  to: Transport | Listener,
  policy: QMPReconnectPolicy = {},
): QMPReconnection<S> {
  return new ClientReconnection(client, to, policy);
}

class ClientReconnection<S extends QMPSchema> implements QMPReconnection<S> {
  readonly closed: Promise<void>;
  readonly #supervisor: Supervisor;
  readonly #hub = new QMPEventHub();
  #end: { readonly cause: unknown } | undefined;

  constructor(
    client: QMPClient<S>,
    to: Transport | Listener,
    policy: QMPReconnectPolicy,
  ) {
    this.#supervisor = new Supervisor(client, to, policy, {
      tap: () => this.#tap(client),
      goesOn: () => policy.afterShutdown === true && hasEndedByGuest(client),
    });
    this.closed = this.#supervisor.closed;
    // Once it is closed, connected() rejects with the reason.
    this.closed.catch(() => {}).then(() => this.connected())
      .catch((cause) => {
        this.#end = { cause };
        this.#hub.end(cause);
      });
  }

  connected(options?: WaitOptions): Promise<void> {
    return this.#supervisor.connected(options);
  }

  listen<N extends EventName<S> = EventName<S>>(
    names?: N | readonly N[],
    options?: ListenOptions<EventOf<S, N>>,
  ): QMPEventListener<EventOf<S, N>> {
    const listener = this.#hub.listenTo(names, options);
    if (this.#end) this.#hub.end(this.#end.cause);
    return listener;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#supervisor[Symbol.asyncDispose]();
  }

  /** Forwards events at once, also events before the negotiation. */
  #tap(client: QMPClient<S>): Disposable {
    return client.listen(undefined, {
      filter: (event, bytes) => {
        this.#hub.dispatch(event as QMPEvent, bytes);
        return false;
      },
    });
  }
}
