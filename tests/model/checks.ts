import { assert, assertEquals } from "@std/assert";
import { EndOfStreamError, Runstate } from "../../protocol/mod.ts";
import { transitions } from "../../protocol/runstate.ts";
import type { Remote } from "./remote.ts";

/** One session that has begun. */
export interface Begun {
  readonly signal: AbortSignal;
  readonly closed: Promise<void>;
  /** How many messages were accepted before, and how many remotes there were. */
  readonly accepted: number;
  readonly remotes: number;
  /** The outcomes of the `disconnect()` calls on it. */
  readonly ends: PromiseSettledResult<void>[];
  /** The reasons that these calls gave. */
  readonly reasons: unknown[];
  disconnected: boolean;
  /** Whether `end()` has ended writing. */
  ended: boolean;
  ran: boolean;
  /** Whether its end may have been cut short. */
  forced: boolean;
}

export interface Watcher {
  readonly from: Runstate;
  readonly seen: Runstate[];
  stop(): void;
}

/** Every session has ended, and its peer got what it was sent, in order. */
export async function checkSessions(
  sessions: readonly Begun[],
  remotes: readonly Remote[],
  accepted: readonly unknown[],
): Promise<void> {
  for (const [i, begun] of sessions.entries()) {
    assert(begun.signal.aborted);
    const [outcome] = await Promise.allSettled([begun.closed]);
    const { reason } = begun.signal;
    if (begun.ran && begun.reasons.includes(reason)) {
      assertEquals(outcome, { status: "rejected", reason });
    }
    // A reason is told by `closed`, not by disconnect().
    const hasReason = outcome.status === "rejected" &&
      begun.reasons.includes(outcome.reason);
    for (const end of begun.ends) {
      if (!begun.ran) assertEquals(end.status, "fulfilled");
      else if (!hasReason) assertEquals(end, outcome);
      else if (end.status === "rejected") {
        assert(begun.forced || !remotes[begun.remotes]?.loyal);
      }
    }
    const next = sessions[i + 1];
    const remote = remotes[begun.remotes];
    if (!remote || begun.remotes === next?.remotes) continue;
    const sent = accepted.slice(begun.accepted, next?.accepted);
    const { received } = remote;
    const inOrder = outcome.status === "fulfilled" || hasReason ||
      outcome.reason instanceof EndOfStreamError;
    const whole = begun.ran && inOrder && remote.loyal && !begun.forced;
    assertEquals(received, whole ? sent : sent.slice(0, received.length));
  }
}

/** The handled messages are the peers' messages, in order, none after a gap. */
export function checkHandled(
  handled: readonly number[],
  remotes: readonly Remote[],
): void {
  const left = [...handled];
  for (const { sent } of remotes) {
    for (const n of sent) {
      if (left[0] !== n) break;
      left.shift();
    }
  }
  assertEquals(left, [], "messages handled that were not sent, or too late");
}

/** The first watcher has seen legal transitions, and each other the same from its start on. */
export function checkWatchers(watchers: readonly Watcher[]): void {
  const [first, ...others] = watchers;
  const all: Runstate[] = [Runstate.IDLE, ...first?.seen ?? []];
  for (const [i, state] of all.entries()) {
    const before = all[i - 1];
    assert(before ? transitions[before].includes(state) : i === 0);
  }
  for (const { from, seen } of others) {
    const start = all.length - seen.length;
    assertEquals(seen, all.slice(start));
    assertEquals(from, all[start - 1]);
  }
}
