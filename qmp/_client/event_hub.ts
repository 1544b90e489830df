import type { ListenOptions, QMPEventListener } from "../event_listener.ts";
import type { QMPEvent } from "../messages.ts";
import { EventQueue, namesOf } from "./event_queue.ts";

/** Hands each event to every listener. */
export class EventHub {
  readonly #listeners = new Set<EventQueue>();

  /**
   * Makes a listener to events of these names, or to all. `E` is the type that
   * the names give to the events; the queue does not know it.
   */
  listen<E extends { readonly event: string } = QMPEvent>(
    names: string | readonly string[] | undefined,
    options: ListenOptions<E> = {},
  ): QMPEventListener<E> {
    const listener = new EventQueue(
      namesOf(names),
      options as ListenOptions<unknown>,
      (closed) => this.#listeners.delete(closed),
    );
    if (!listener.closed) this.#listeners.add(listener);
    return listener as QMPEventListener as unknown as QMPEventListener<E>;
  }

  /** @param bytes The event's size on the wire. */
  dispatch(event: QMPEvent, bytes: number): void {
    for (const listener of this.#listeners) listener.dispatch(event, bytes);
  }

  /** Ends every listener, once its queued events have been read. */
  end(cause: unknown): void {
    for (const listener of this.#listeners) listener.end(cause);
  }
}
