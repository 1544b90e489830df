import type { Deed, Negotiation } from "./talker.ts";
import type { Attempt, SignalKind, World } from "./world.ts";

/** The known state of the talker, when no more work is pending. */
export type Known =
  | { readonly state: "idle" }
  /** Waits for its connection, or for the peer's part of the negotiation. */
  | {
    readonly state: "connecting";
    readonly awaits: "never" | "late" | "hello" | "silent";
    readonly negotiation: Negotiation;
  }
  /** A handler may hold the reader. */
  | { readonly state: "running"; readonly held: boolean }
  /** Waits for a late connection, for its queue to be sent, or for nothing. */
  | {
    readonly state: "disconnecting";
    readonly awaits: "late" | "drain" | "disconnect";
    /** Whether disconnect() is called, and comes to idle after that. */
    readonly called: boolean;
  };

/** The known state after a step; `undefined` if it is not certain. */
export type Predict = (known: Known, world: World) => Known | undefined;

export const IDLE: Known = { state: "idle" };
export const RUNNING: Known = { state: "running", held: false };
const ENDED: Known = {
  state: "disconnecting",
  awaits: "disconnect",
  called: false,
};
const TOO_LATE: Known = {
  state: "disconnecting",
  awaits: "late",
  called: true,
};

/** The connection has arrived: the outcome of its negotiation. */
export function negotiate(negotiation: Negotiation): Known {
  switch (negotiation) {
    case "none":
      return RUNNING;
    case "hello":
    case "silent":
      return { state: "connecting", awaits: negotiation, negotiation };
    default:
      return IDLE;
  }
}

export function attempt(
  { verb, opening, negotiation, signal }: Attempt,
): Predict {
  const aborted = signal === "aborted";
  return (known) => {
    if (known.state !== "idle") return known;
    if (verb === "connection" || opening === "meets") {
      return aborted ? IDLE : negotiate(negotiation);
    }
    if (opening === "refused" || opening === "throws" || aborted) return IDLE;
    return { state: "connecting", awaits: opening, negotiation };
  };
}

export function givenUp(known: Known): Known | undefined {
  if (known.state !== "connecting") return known;
  return known.awaits === "late" ? TOO_LATE : IDLE;
}

const isStuck = (world: World) => world.talker.stats.queuedBytes > 0;

/** Nothing delays the end any more. */
export function released(known: Known): Known | undefined {
  if (known.state !== "disconnecting") return known;
  return known.called ? IDLE : ENDED;
}

/** The queue is sent, or lost. */
export function drained(known: Known): Known | undefined {
  return known.state === "disconnecting" && known.awaits === "drain"
    ? released(known)
    : known;
}

export function disconnect(signal: SignalKind): Predict {
  return (known, world) => {
    if (signal === "aborted") return IDLE;
    if (known.state === "connecting") return givenUp(known);
    if (known.state === "running" && isStuck(world)) {
      return { state: "disconnecting", awaits: "drain", called: true };
    }
    if (known.state === "disconnecting" && known.awaits !== "disconnect") {
      return { ...known, called: true };
    }
    return IDLE;
  };
}

/** A reader sees that the peer has ended, and may go on. */
export function ended(known: Known, world: World): Known | undefined {
  const goesOn = known.state === "running" && world.talker.lingers;
  return goesOn ? undefined : broken(true)(known, world);
}

/** A reader sees that the peer has ended, or has broken the rules. */
export function broken(drains: boolean): Predict {
  return (known, world) => {
    if (known.state === "connecting") {
      return known.awaits === "hello" ? IDLE : known;
    }
    if (known.state !== "running") return known;
    if (known.held) return undefined;
    return drains && isStuck(world)
      ? { state: "disconnecting", awaits: "drain", called: false }
      : ENDED;
  };
}

/** A writer sees that the peer does not read any more. */
export function deaf(known: Known, world: World): Known | undefined {
  if (!isStuck(world)) return known;
  if (known.state === "connecting") return givenUp(known);
  return known.state === "running" ? ENDED : drained(known);
}

export function gone(known: Known, world: World): Known | undefined {
  const after = deaf(known, world);
  return after === known ? ended(known, world) : after;
}

/** A message goes to the peer, if the peer reads. */
export function said(known: Known, world: World): Known | undefined {
  const talks = known.state === "running" ||
    known.state === "connecting" &&
      (known.awaits === "hello" || known.awaits === "silent");
  if (!talks || world.remote?.loyal) return known;
  return known.state === "running" ? ENDED : IDLE;
}

export function heard(deeds: Deed[]): Predict {
  return (known, world) => {
    if (known.state !== "running") return broken(false)(known, world);
    if (known.held) return undefined;
    const last = deeds.find((deed) => deed !== "queue");
    if (last === undefined) return known;
    if (last !== "hold") return ENDED;
    // The messages behind it come later.
    return deeds.indexOf(last) === deeds.length - 1
      ? { state: "running", held: true }
      : undefined;
  };
}

export function greeted(known: Known): Known | undefined {
  if (known.state === "connecting" && known.awaits === "hello") return RUNNING;
  // A running talker takes no greeting.
  if (known.state === "running") return known.held ? undefined : ENDED;
  return known;
}
