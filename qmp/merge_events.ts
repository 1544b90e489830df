import { EventQueue } from "../protocol/event_queue.ts";
import { eventName } from "./_client/event_hub.ts";
import type { QMPClient } from "./client.ts";
import type { ListenOptions, QMPEventListener } from "./event_listener.ts";
import type { QMPEvent } from "./messages.ts";
import type { QMPReconnection } from "./reconnecting.ts";
import type { AnySchema, EventName, EventOf, QMPSchema } from "./schema.ts";

/** A client or a reconnection: both have listeners. */
export type QMPEventSource<S extends QMPSchema = AnySchema> =
  | QMPClient<S>
  | QMPReconnection<S>;

/** An event with its source. */
export type MergedEvent<Source, E = QMPEvent> = E & {
  /** The client or the reconnection whose server has sent the event. */
  readonly from: Source;
};

/**
 * Makes one listener to the events of several clients, in the order in which they
 * arrive. Each event has its client in `from`. The listener is like the listener
 * of a client, with one `limit` and one `maxBytes` for all, and ends when the last
 * of the sessions has ended. A reconnection may be given in place of a client: its
 * events go on from session to session.
 *
 * @throws {RangeError} `limit` or `maxBytes` is not a positive integer.
 *
 * @example Two machines
 * ```ts
 * import { mergeEvents, QMPClient, QMPServer } from "@parley/parley/qmp";
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new QMPServer({
 *   commands: { stop: (_, { session }) => session.emit("STOP") },
 * });
 * const transport = memory();
 * server.serve(await transport.listen());
 *
 * await using one = new QMPClient({ name: "one" });
 * await using two = new QMPClient({ name: "two" });
 * for (const client of [one, two]) await client.connect(transport);
 * using events = mergeEvents([one, two], "STOP");
 * for (const client of [two, one]) await client.execute("stop");
 * assertEquals((await events.next()).from.name, "two");
 * assertEquals((await events.next()).from.name, "one");
 * ```
 */
export function mergeEvents<
  S extends QMPSchema,
  Source extends QMPEventSource<S>,
  N extends EventName<S> = EventName<S>,
>(
  sources: Iterable<Source & QMPEventSource<S>>,
  names?: N | readonly N[],
  options: ListenOptions<MergedEvent<Source, EventOf<S, N>>> = {},
): QMPEventListener<MergedEvent<Source, EventOf<S, N>>> {
  const parts: Disposable[] = [];
  const merged = new EventQueue<QMPEvent>({
    ...options as ListenOptions<unknown>,
    names,
    nameOf: eventName,
    onClosed: () => {
      for (const part of parts) part[Symbol.dispose]();
    },
  });
  let cause: unknown;
  const listened = merged.closed ? [] : sources;
  const ends = Array.from(listened, async (from) => {
    const part = from.listen(undefined, {
      // Forwarded at once, to keep the order of all events.
      filter: (event, bytes) => {
        merged.dispatch({ ...event, from } as QMPEvent, bytes);
        return false;
      },
    });
    parts.push(part);
    await part.next().catch((end: Error) => cause = end.cause);
  });
  Promise.all(ends).then(() => merged.end(cause));
  return merged as QMPEventListener as unknown as QMPEventListener<
    MergedEvent<Source, EventOf<S, N>>
  >;
}
