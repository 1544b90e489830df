import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStrictEquals,
} from "@std/assert";
import {
  ConnectError,
  EndOfStreamError,
  Runstate,
  StateError,
} from "../../protocol/mod.ts";
import { transitions } from "../../protocol/runstate.ts";
import type { WaitOptions } from "../../transports/mod.ts";
import { type Opening, Openings } from "./openings.ts";
import {
  type Begun,
  checkHandled,
  checkSessions,
  checkWatchers,
  type Watcher,
} from "./checks.ts";
import type { Remote } from "./remote.ts";
import { type Negotiation, Talker } from "./talker.ts";
import { turns } from "../support/turns.ts";
import type { VirtualTime } from "../support/virtual_time.ts";
import { WatchedSignal } from "../../testing/_laws/watched_signal.ts";

/** How a call is made abortable. */
export type SignalKind = "none" | "signal" | "aborted";

/** How an attempt is made. */
export interface Attempt {
  verb: "connection" | "connect" | "accept" | "listener";
  opening: Opening;
  negotiation: Negotiation;
  signal: SignalKind;
  /** Whether the other end does not read. */
  stalled: boolean;
  /** Whether the talker goes on after its peer's end. */
  lingers: boolean;
}

export const CLOSE_TIMEOUT = 1_000;

/** A talker, the calls on it, and the laws that each call keeps. */
export class World {
  readonly talker = new Talker({
    closeTimeout: CLOSE_TIMEOUT,
    highWaterMark: 32,
  });
  readonly signals: WatchedSignal[] = [];
  /** The signal of the last attempt. */
  attempt: AbortSignal | undefined;
  /** Calls that have not settled. */
  pending = 0;
  readonly #time: VirtualTime;
  readonly #openings = new Openings();
  readonly #begun: Begun[] = [];
  readonly #watchers: Watcher[] = [];
  readonly #broken: unknown[] = [];
  #iterations = 0;
  #sent = 0;

  constructor(time: VirtualTime) {
    this.#time = time;
    this.watch();
  }

  /** The other end of the last connection. */
  get remote(): Remote | undefined {
    return this.#openings.remotes.at(-1);
  }

  /** How many sessions were running. */
  get ran(): number {
    return this.#begun.filter(({ ran }) => ran).length;
  }

  /** Runs pending work, or a number of turns; fails if a law was broken. */
  async settle(count = Infinity): Promise<void> {
    if (count === Infinity) {
      await turns();
      this.#time.pass(0); // a failed write waits for a turn of the event loop
      await turns();
    } else for (let turn = 0; turn < count; turn++) await null;
    for (const error of [...this.#broken, ...this.talker.broken]) throw error;
  }

  connect(how: Attempt): void {
    const { verb, opening, negotiation, signal, stalled, lingers } = how;
    const { talker } = this;
    const from = talker.runstate;
    if (from === Runstate.IDLE) {
      talker.negotiation = negotiation;
      talker.lingers = lingers;
    }
    const remotes = this.#openings.remotes.length;
    const options = this.#options(signal);
    const call = () => {
      switch (verb) {
        case "connection":
          return talker.connect(this.#openings.meet(stalled), options);
        case "listener":
          return talker.accept(
            this.#openings.listener(opening, stalled),
            options,
          );
        default:
          return talker[verb](
            this.#openings.transport(opening, stalled),
            options,
          );
      }
    };
    if (from !== Runstate.IDLE) return this.#refuse(from, call);
    const attempt = call();
    const aborted = signal === "aborted";
    const { runstate } = talker;
    const begun: Begun = {
      signal: talker.signal,
      closed: talker.closed,
      accepted: talker.accepted.length,
      remotes,
      ends: [],
      reasons: [],
      disconnected: false,
      ended: false,
      ran: false,
      forced: false,
    };
    this.#begun.push(begun);
    this.attempt = options.signal;
    this.#track("An attempt", attempt, {
      fulfils: () => {
        assert(!aborted);
        begun.ran = true;
      },
      rejects: (error) => {
        if (this.#begun.at(-1) === begun) assertEquals(talker.runstate, "idle");
        assert(begun.signal.aborted);
        const cause = begun.signal.reason;
        if (error instanceof ConnectError) {
          assertStrictEquals(error.cause, cause);
          assert(!begun.disconnected || !isAbort(cause));
          return assert(cause !== options.signal?.reason);
        }
        assertStrictEquals(error, cause);
        assert(begun.disconnected || options.signal?.aborted);
      },
    });
    const failed = aborted || opening === "throws" && runstate !== "connecting";
    assertEquals(runstate, failed ? "disconnecting" : "connecting");
  }

  disconnect(signal: SignalKind, reason?: Error): void {
    const { talker } = this;
    const from = talker.runstate;
    const begun = from === Runstate.IDLE ? undefined : this.#begun.at(-1);
    if (begun) begun.disconnected = true;
    if (begun && reason) begun.reasons.push(reason);
    if (signal === "aborted") this.#force();
    const begins = this.#begun.length;
    const isIdle = () => {
      if (this.#begun.length === begins) assertEquals(talker.runstate, "idle");
    };
    const options = { ...this.#options(signal), reason };
    this.#track("disconnect()", talker.disconnect(options), {
      fulfils: (value) => {
        isIdle();
        begun?.ends.push({ status: "fulfilled", value });
      },
      rejects: (reason) => {
        isIdle();
        assert(begun, "from idle");
        begun.ends.push({ status: "rejected", reason });
      },
    });
  }

  send(what: "small" | "large" | "bigint", signal: SignalKind): void {
    const n = ++this.#sent;
    const message = what === "bigint"
      ? { n: 1n }
      : { n, pad: "x".repeat(what === "large" ? 100 : 0) };
    const options = this.#options(signal);
    this.#talk(
      "send()",
      () => this.talker.send(message, options),
      (error) =>
        options.signal?.aborted && error === options.signal.reason ||
        what === "bigint" && error instanceof TypeError || isEnded(error),
    );
  }

  request(): void {
    this.#talk("request()", () => this.talker.request(++this.#sent), isEnded);
  }

  end(signal: SignalKind): void {
    const options = this.#options(signal);
    this.#talk(
      "end()",
      () => this.talker.end(options),
      (error) => options.signal?.aborted && error === options.signal.reason,
    );
  }

  receive(kind: SignalKind): void {
    // While it is connecting, its negotiation receives.
    if (this.talker.runstate === Runstate.CONNECTING) return;
    const { signal } = this.#options(kind);
    this.#track("receive()", this.talker.receive({ signal }), {
      fulfils: () => {},
      rejects: async (error) => {
        if (signal?.aborted && error === signal.reason) return;
        if (error instanceof EndOfStreamError) return;
        const outcomes = this.#begun.map(({ closed }) =>
          closed.catch((error) => error)
        );
        assert((await Promise.all(outcomes)).includes(error));
      },
    });
  }

  flush(signal: SignalKind): void {
    const options = this.#options(signal);
    this.#talk(
      "flush()",
      () => this.talker.flush(options),
      (error) => options.signal?.aborted && error === options.signal.reason,
    );
  }

  iterate(): void {
    const iterate = async () => {
      for await (const _ of this.talker);
    };
    this.#iterations++;
    iterate().catch(async (error) => {
      assert(!(error instanceof EndOfStreamError));
      for (const { closed } of this.#begun) {
        if (error === await closed.catch((error) => error)) return;
      }
      throw error;
    }).catch((error) => this.#broken.push(error))
      .finally(() => this.#iterations--);
  }

  watch(): void {
    const from = this.talker.runstate;
    const seen: Runstate[] = [];
    const states = this.talker.runstates();
    const watch = async () => {
      for await (const state of states) seen.push(state);
    };
    this.pending++;
    watch().finally(() => this.pending--);
    this.#watchers.push({ from, seen, stop: () => void states.return?.() });
  }

  nextRunstate(kind: SignalKind): void {
    const from = this.talker.runstate;
    const { signal } = this.#options(kind);
    const changed = this.talker.runstateChanged(signal ? { signal } : {});
    this.#track("runstateChanged()", changed, {
      fulfils: (state) => assert(transitions[from].includes(state)),
      rejects: (error) => {
        assert(signal?.aborted);
        assertStrictEquals(error, signal.reason);
      },
    });
  }

  deliver(): void {
    this.#openings.deliver();
  }

  pass(): void {
    this.#force();
    this.#time.pass(CLOSE_TIMEOUT);
  }

  /** Aborts one of the signals, counted from the last. */
  abort(i: number): void {
    this.#force();
    this.signals.at(-1 - i)?.abort();
  }

  /** Ends everything, and checks that nothing is left and the talker is idle. */
  async finish(): Promise<void> {
    const { talker } = this;
    const { remotes, unreleased, unwanted } = this.#openings;
    this.disconnect("none");
    await this.settle();
    if (talker.runstate !== Runstate.IDLE) this.pass();
    await this.settle();
    assertEquals(talker.runstate, Runstate.IDLE);
    assertEquals(this.#time.waiting, 0, "timers");
    this.deliver();
    for (const remote of remotes) remote.read();
    await this.settle();
    assertEquals(unreleased.size, 0, "connections not released");
    assertEquals(this.#openings.listening, 0, "listeners not closed");
    await checkSessions(this.#begun, remotes, talker.accepted);
    checkHandled(talker.handled, remotes);
    for (const remote of [...remotes, ...unwanted]) await remote.close();
    await this.#useAgain();
    checkWatchers(this.#watchers);
    for (const watcher of this.#watchers) watcher.stop();
    await this.settle();
    assertEquals(this.pending, 0, "calls pending");
    assertEquals(this.#iterations, 0, "iterations pending");
    for (const { listeners } of this.signals) {
      assertEquals(listeners, 0, "listeners on a signal");
    }
  }

  #force(): void {
    const begun = this.#begun.at(-1);
    if (begun && this.talker.runstate !== Runstate.IDLE) begun.forced = true;
  }

  #options(kind: SignalKind): WaitOptions {
    if (kind === "none") return {};
    const watched = new WatchedSignal();
    this.signals.push(watched);
    if (kind === "aborted") watched.abort(new Error("aborted before"));
    return { signal: watched.signal };
  }

  #track<T>(
    name: string,
    call: Promise<T>,
    laws: {
      fulfils(value: T): void;
      rejects(error: unknown): void | Promise<void>;
    },
  ): void {
    this.pending++;
    call.then(laws.fulfils, laws.rejects).catch((cause) =>
      this.#broken.push(new Error(`${name} broke its laws`, { cause }))
    ).finally(() => this.pending--);
  }

  #refuse(from: Runstate, call: () => Promise<void>): void {
    const { remotes, unreleased } = this.#openings;
    const count = remotes.length;
    const attempt = call();
    assertEquals(this.talker.runstate, from);
    if (remotes.length > count) {
      // The connection is still ours.
      const near = [...unreleased].at(-1);
      near?.abort();
      remotes.pop();
    }
    this.#track("A refused attempt", attempt, {
      fulfils: () => assert(false),
      rejects: (error) => {
        assertInstanceOf(error, StateError);
        assertEquals([error.state, error.required], [from, Runstate.IDLE]);
      },
    });
  }

  /** Every wait for the session settles, at the latest with its first cause. */
  #talk(
    name: string,
    call: () => Promise<void>,
    mayReject: (error: unknown) => boolean | undefined = () => false,
  ): void {
    const from = this.talker.runstate;
    const begun = this.#begun.at(-1);
    const ended = begun?.ended && name === "send()";
    const called = call();
    // An attempt may not have its connection yet.
    if (begun && name === "end()") begun.ended ||= from === "running";
    this.#track(name, called, {
      fulfils: () => {
        assert(from === "running" || from === "connecting");
        assert(!ended);
      },
      rejects: (error) => {
        if (mayReject(error)) return;
        if (error instanceof StateError) {
          assertEquals(error.state, from);
          assert(from !== Runstate.RUNNING);
        } else {
          assert(begun?.signal.aborted);
          assertStrictEquals(error, begun.signal.reason);
        }
      },
    });
  }

  async #useAgain(): Promise<void> {
    const { talker } = this;
    talker.release();
    talker.negotiation = "none";
    talker.lingers = false;
    await talker.connect(this.#openings.meet(false));
    const request = talker.request(0);
    await this.settle();
    this.remote?.reply();
    await request;
    await talker.disconnect();
    assertEquals(talker.runstate, Runstate.IDLE);
    await this.remote?.close();
    await this.settle();
  }
}

/** Whether a message was refused because `end()` had been called before. */
function isEnded(error: unknown): boolean {
  return error instanceof StateError && error.message.includes("end()");
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
