import { assertRejects } from "@std/assert";
import {
  EndOfStreamError,
  lines,
  Peer,
  serve,
  type Server,
  type Transport,
} from "../../../protocol/mod.ts";

/** A policy that retries at once, so that no test waits. */
export const atOnce = { initialDelay: 0, maxDelay: 1 };

/** A server of lines. */
export async function serveLines(
  transport: Transport,
): Promise<Server<Peer<string>>> {
  return serve(await transport.listen(), () => new Peer({ codec: lines }));
}

/** Ends every session of a server, and waits until the client has lost its own. */
export async function cutSessions(
  server: { readonly sessions: Iterable<{ disconnect(): Promise<void> }> },
  client: { readonly closed: Promise<void> },
): Promise<void> {
  const { closed } = client;
  for (const session of server.sessions) await session.disconnect();
  await assertRejects(() => closed, EndOfStreamError);
}
