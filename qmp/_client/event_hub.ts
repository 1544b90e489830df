import { EventHub } from "../../protocol/event_hub.ts";
import type { ListenOptions } from "../../protocol/listen_options.ts";
import type { QMPEventListener } from "../event_listener.ts";
import type { QMPEvent } from "../messages.ts";

/** The name of an event, by which listeners select it. */
export function eventName({ event }: QMPEvent): string {
  return event;
}

/** Hands each event of QMP to every listener. */
export class QMPEventHub extends EventHub<QMPEvent> {
  constructor() {
    super(eventName);
  }

  /**
   * Makes a listener whose events have the type `E`. The names determine the type,
   * which the queue does not know.
   */
  listenTo<E extends { readonly event: string } = QMPEvent>(
    names: string | readonly string[] | undefined,
    options: ListenOptions<E> = {},
  ): QMPEventListener<E> {
    const queue = this.listen(names, options as ListenOptions<unknown>);
    return queue as QMPEventListener as unknown as QMPEventListener<E>;
  }
}
