import { setImmediate } from "node:timers/promises";
import type { Accepts } from "../_socket/accept_queue.ts";
import type { ConnectionSource } from "../_socket/listener.ts";
import type { Address, Connection } from "../transport.ts";
import { systemErrors } from "../_util/system_errors.ts";

/** If so many handshakes are under way, the next one ends the oldest. */
const MAX_HANDSHAKES = 256;

/** If so many connections wait for accept(), no more are taken. */
const MAX_READY = 64;

type Shake<Plain, A extends Address> = (
  connection: Plain,
  signal: AbortSignal,
) => Promise<Connection<A>>;

/**
 * Does handshakes side by side, and gives the connections in the order in which
 * they are done: a silent peer delays nobody.
 */
export class HandshakeQueue<Plain, A extends Address>
  implements ConnectionSource<A> {
  readonly #source: Accepts<Plain>;
  readonly #handshake: Shake<Plain, A>;
  readonly #failed: ((error: unknown) => void) | undefined;
  readonly #underWay = new Map<AbortController, Promise<void>>();
  readonly #ready: Connection<A>[] = [];
  readonly #running: Promise<void>;
  #failure: { readonly error: unknown } | undefined;
  #closed = false;
  #wake = () => {};
  #resume = () => {};

  /**
   * @param source Gives plain connections; it is closed with the queue.
   * @param handshake Closes the connection if it rejects.
   * @param failed Called with the reason of a handshake that has failed.
   */
  constructor(
    source: Accepts<Plain>,
    handshake: Shake<Plain, A>,
    failed: ((error: unknown) => void) | undefined,
  ) {
    this.#source = source;
    this.#handshake = handshake;
    this.#failed = failed;
    this.#running = this.#run();
  }

  async accept(): Promise<Connection<A>> {
    for (;;) {
      const connection = this.#ready.shift();
      const failure = this.#failure;
      if (!connection) this.#failure = undefined;
      this.#resume();
      if (connection) return connection;
      if (failure) throw failure.error;
      if (this.#closed) throw new systemErrors.BadResource("closed");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#source.close();
    this.#resume();
    await this.#running;
    const underWay = [...this.#underWay];
    for (const [controller] of underWay) controller.abort();
    await Promise.all(underWay.map(([, done]) => done));
    for (const connection of this.#ready.splice(0)) connection.abort();
    this.#wake();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      if (this.#failure || this.#ready.length >= MAX_READY) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
        continue;
      }
      try {
        this.#start(await this.#source.accept());
        // A turn for the handshakes that have begun: hundreds of connections may be
        // here at once, and the last would end those whose bytes are here, too.
        await setImmediate();
      } catch (error) {
        this.#failure = { error };
        this.#wake();
      }
    }
  }

  #start(connection: Plain): void {
    const [oldest] = this.#underWay.keys();
    if (oldest && this.#underWay.size >= MAX_HANDSHAKES) {
      oldest.abort(
        new systemErrors.Busy(
          `${MAX_HANDSHAKES} newer handshakes are under way`,
        ),
      );
      this.#underWay.delete(oldest);
    }
    const controller = new AbortController();
    this.#underWay.set(controller, this.#shake(connection, controller));
  }

  async #shake(
    connection: Plain,
    controller: AbortController,
  ): Promise<void> {
    try {
      this.#ready.push(await this.#handshake(connection, controller.signal));
      this.#wake();
    } catch (error) {
      // If the callback throws, the error is uncaught: it is the caller's own.
      if (!this.#closed) queueMicrotask(() => this.#failed?.(error));
    } finally {
      this.#underWay.delete(controller);
    }
  }
}
