import { EventQueue, namesOf } from "./event_queue.ts";
import type { ListenOptions, QMPEventListener } from "../event_listener.ts";
import type { QMPEvent } from "../messages.ts";

/** Tells each event to every listener. */
export class EventHub {
  readonly #listeners = new Set<EventQueue>();

  /**
   * Makes a listener for events of these names, or for all. `E` is what the
   * names say of the events: the queue does not know.
   */
  listen<E = QMPEvent>(
    names: string | readonly string[] | undefined,
    options: ListenOptions<E> = {},
  ): QMPEventListener<E> {
    const listener = new EventQueue(
      namesOf(names),
      options as ListenOptions<unknown>,
      (closed) => this.#listeners.delete(closed),
    );
    if (!listener.closed) this.#listeners.add(listener);
    return listener as QMPEventListener<unknown> as QMPEventListener<E>;
  }

  /** @param bytes The event's size on the wire. */
  dispatch(event: QMPEvent, bytes: number): void {
    for (const listener of this.#listeners) listener.dispatch(event, bytes);
  }

  /** Ends every listener after what it has queued. */
  end(cause: unknown): void {
    for (const listener of this.#listeners) listener.end(cause);
  }
}
