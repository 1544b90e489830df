import { assertEquals } from "@std/assert";
import type { AsyncProtocol, Runstate } from "../../../protocol/mod.ts";
import { jsonLines, Peer, type PeerOptions } from "../../../protocol/mod.ts";
import {
  type Connection,
  type FromStreamsOptions,
  memoryPair,
  type StreamPair,
} from "../../../transports/mod.ts";

const encoder = new TextEncoder();

/** The runstates of a session that has begun and ended. */
export const GOOD_SESSION: readonly Runstate[] = [
  "connecting",
  "running",
  "disconnecting",
  "idle",
];

/** The runstates of an attempt that led to no session. */
export const FAILED_ATTEMPT: readonly Runstate[] = [
  "connecting",
  "disconnecting",
  "idle",
];

/** Records every runstate from now on; `stop()` ends and returns the record. */
export function recordRunstates<In, Out>(
  protocol: AsyncProtocol<In, Out>,
): { stop(): Promise<Runstate[]> } {
  const seen: Runstate[] = [];
  const states = protocol.runstates();
  const reading = (async () => {
    for await (const state of states) seen.push(state);
  })();
  return {
    async stop() {
      // Transitions are queued at once: one turn later all of them are read.
      await new Promise((resolve) => setTimeout(resolve));
      await states.return?.();
      await reading;
      return seen;
    },
  };
}

/** Asserts that the protocol, which is idle, can have a session. */
export async function assertCanBeUsedAgain<In, Out>(
  protocol: AsyncProtocol<In, Out>,
): Promise<void> {
  const [near, far] = memoryPair();
  const states = recordRunstates(protocol);
  await protocol.connect(near);
  await protocol.disconnect();
  assertEquals(await states.stop(), GOOD_SESSION);
  await far.close();
}

/** A peer that uses JSON lines. */
export function jsonPeer(
  options: Partial<PeerOptions<unknown>> = {},
): Peer<unknown> {
  return new Peer<unknown>({
    codec: (limits) => jsonLines(limits),
    ...options,
  });
}

/** A running peer, and the other end of its connection. */
export async function runningPeer(
  options: Partial<PeerOptions<unknown>> = {},
): Promise<{ peer: Peer<unknown>; remote: Connection }> {
  const [near, remote] = memoryPair();
  const peer = jsonPeer(options);
  await peer.connect(near);
  return { peer, remote };
}

/** The streams of a connection, some of them replaced. */
export function overStreams(
  connection: Connection,
  replaced: Partial<StreamPair>,
): StreamPair & FromStreamsOptions {
  return {
    readable: connection.readable,
    writable: connection.writable,
    remoteAddress: connection.remoteAddress,
    close: () => connection.close(),
    abort: (reason) => connection.abort(reason),
    ...replaced,
  };
}

/** Writes raw bytes into a connection. */
export async function write(
  connection: Connection,
  text: string | Uint8Array,
): Promise<void> {
  const writer = connection.writable.getWriter();
  await writer.write(typeof text === "string" ? encoder.encode(text) : text);
  writer.releaseLock();
}
