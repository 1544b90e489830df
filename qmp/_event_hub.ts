import { EventQueue, namesOf } from "./_event_queue.ts";
import type { EventListener, ListenOptions } from "./event_listener.ts";
import type { QMPEvent } from "./messages.ts";

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
  ): EventListener<E> {
    const listener = new EventQueue(
      namesOf(names),
      options as ListenOptions<unknown>,
      (closed) => this.#listeners.delete(closed),
    );
    if (!listener.closed) this.#listeners.add(listener);
    return listener as EventListener<unknown> as EventListener<E>;
  }

  hear(event: QMPEvent): void {
    for (const listener of this.#listeners) listener.hear(event);
  }

  /** Ends every listener after what it has queued. */
  end(cause: unknown): void {
    for (const listener of this.#listeners) listener.end(cause);
  }
}
