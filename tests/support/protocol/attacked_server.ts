import { assertEquals } from "@std/assert";
import { type Codec, Peer, serve } from "../../../protocol/mod.ts";
import {
  type Connection,
  tcp,
  type Transport,
} from "../../../transports/mod.ts";

/** Sends every message back. */
export class Echo<T> extends Peer<T> {
  protected override onMessage(message: T): Promise<void> {
    return this.send(message);
  }
}

/** An attacked echo server over TCP, and a good client of it. */
export interface AttackedServer<T> extends AsyncDisposable {
  readonly transport: Transport;
  /** The sessions, in the order of their connections; the first is the good client's. */
  readonly sessions: Echo<T>[];
  /** Connects a hostile peer, and returns the server's session with it. */
  connect(): Promise<{ hostile: Connection; session: Echo<T> }>;
  /** The good client sends a request and gets its answer. */
  serves(): Promise<void>;
}

export async function attackServer<T>(
  codec: () => Codec<T>,
  question: T,
): Promise<AttackedServer<T>> {
  const sessions: Echo<T>[] = [];
  let arrived = Promise.withResolvers<Echo<T>>();
  const listener = await tcp({ port: 0 }).listen();
  const server = serve(listener, () => {
    const session = new Echo({ codec });
    sessions.push(session);
    arrived.resolve(session);
    return session;
  });
  if (!("port" in server.addr)) throw new Error("Not TCP");
  const transport = tcp(server.addr);
  const good = new Peer({ codec });
  await Promise.all([good.connect(transport), arrived.promise]);
  const answers = good[Symbol.asyncIterator]();
  return {
    transport,
    sessions,
    async connect() {
      arrived = Promise.withResolvers();
      const hostile = await transport.connect();
      return { hostile, session: await arrived.promise };
    },
    async serves() {
      await good.send(question);
      assertEquals((await answers.next()).value, question);
    },
    async [Symbol.asyncDispose]() {
      await good.disconnect();
      await server.shutdown();
    },
  };
}

/** The cause of a session's end. */
export async function causeOfEnd<T>(session: Echo<T>): Promise<unknown> {
  await session.closed.catch(() => {});
  return session.signal.reason;
}
