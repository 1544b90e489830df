import { Call } from "./_calls/call.ts";
import { SignalGroups } from "./_calls/signal_groups.ts";
import { LinkedMap } from "./_util/linked_map.ts";
import { callHook } from "./_util/call_hook.ts";
import { SENT } from "./_util/sent.ts";
import { MAX_TIMEOUT } from "./_util/start_timer.ts";
import { checkCount, checkNumber } from "./_util/validate.ts";
import { CallError, CallInterruptedError, CallTimeoutError } from "./errors.ts";
import type {
  OpenCallOptions,
  PendingCall,
  PendingCallsOptions,
} from "./pending_call.ts";

/** So many calls may be given up and still unanswered. */
const MAX_ABANDONED = 65_536;

/** So many microtasks after the last reply, the timer of the calls is cleared. */
const IDLE_TURNS = 16;

/** How much later than its deadline a call may time out, in milliseconds. */
const TIMER_STEP_MS = 5;

/**
 * The calls of a session that wait for their replies: replies are matched by
 * id, or in order.
 *
 * A call that is given up, by its signal or its deadline, stays until its reply
 * arrives or {@linkcode PendingCalls.forget} is called: so a late reply is never
 * taken for the reply of another call. If 65,536 such calls are unanswered, the
 * next call is refused. The same object serves one session after another.
 *
 * @example Replies in order, as Redis or SMTP send them
 * ```ts
 * import { AsyncProtocol, lines, PendingCalls } from "@parley/parley/protocol";
 * import { scriptedPeer } from "@parley/parley/testing";
 * import { assertEquals } from "@std/assert";
 *
 * class Client extends AsyncProtocol<string> {
 *   readonly #calls = new PendingCalls<string>();
 *
 *   protected override createCodec() {
 *     return lines();
 *   }
 *   ask(request: string): Promise<string> {
 *     const options = { method: request, timeout: 5_000 };
 *     return this.sendCall(this.#calls, options, () => request);
 *   }
 *   protected override onMessage(reply: string): void {
 *     const call = this.#calls.first();
 *     if (call) this.#calls.resolve(call.id, reply);
 *   }
 * }
 *
 * await using server = scriptedPeer([
 *   { expect: "PING\nTIME\n" },
 *   { send: "PONG\nnoon\n" },
 * ]);
 * await using client = new Client();
 * await client.connect(server.connection);
 * const replies = [client.ask("PING"), client.ask("TIME")];
 * assertEquals(await Promise.all(replies), ["PONG", "noon"]);
 * ```
 */
export class PendingCalls<Reply, Id = number> {
  readonly #calls = new LinkedMap<Id, Call<Reply, Id>>();
  readonly #signals = new SignalGroups<Call<Reply, Id>>((calls, reason) =>
    this.#abandon(calls, () => reason)
  );
  readonly #onAbandoned: PendingCallsOptions<Reply, Id>["onAbandoned"];
  readonly #maxId: number;
  #lastId = 0;
  #abandoned = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #clearing = false;
  #idleTurns = 0;

  /**
   * Makes an empty set of calls.
   *
   * @throws {RangeError} `maxId` is not an integer from 1.
   */
  constructor(options: PendingCallsOptions<Reply, Id> = {}) {
    const { maxId = Number.MAX_SAFE_INTEGER, onAbandoned } = options;
    checkNumber("maxId", maxId, 1, Number.MAX_SAFE_INTEGER);
    checkCount("maxId", maxId, 1);
    this.#maxId = maxId;
    this.#onAbandoned = onAbandoned;
  }

  /** How many calls wait for their reply, without those that were given up. */
  get size(): number {
    return this.#calls.size - this.#abandoned;
  }

  /**
   * Registers a call. Its promise rejects with the signal's reason, with a
   * {@linkcode CallTimeoutError} or, when the session ends, with a
   * {@linkcode CallInterruptedError}.
   *
   * @throws {RangeError} A timeout is out of range.
   * @throws {TypeError} A call with this id waits already.
   * @throws {CallError} Too many calls were given up and are unanswered, or all
   * ids up to `maxId` are taken.
   * @throws The signal's reason, if it is aborted: nothing is registered.
   */
  open(options: OpenCallOptions<Id> = {}): PendingCall<Reply, Id> {
    const { signal, method } = options;
    signal?.throwIfAborted();
    checkNumber("timeout", options.timeout, 0, Infinity);
    checkNumber("totalTimeout", options.totalTimeout, 0, Infinity);
    if (this.#abandoned >= MAX_ABANDONED) {
      throw new CallError(
        `Call${
          named(method)
        }: ${this.#abandoned} calls that were given up are unanswered`,
        { method, sent: false },
      );
    }
    const id = this.#freeId(options);
    const call = new Call<Reply, Id>(id, options);
    this.#calls.insert(id, call);
    if (signal) this.#signals.add(signal, call);
    const at = call.deadline?.at ?? Infinity;
    if (at < this.#timerAt) this.#setTimer(at);
    return call;
  }

  /**
   * The promise of a call whose request is being sent. If sending fails before
   * there is a reply, such as for a message that cannot be encoded, the call is
   * taken out again and rejects with that error. `AsyncProtocol.sendCall()` opens,
   * sends and tracks a call at once.
   */
  track(call: PendingCall<Reply, Id>, sending: Promise<void>): Promise<Reply> {
    if (sending === SENT) return call.promise;
    sending.catch((error) => {
      if (this.#calls.get(call.id) === call) this.reject(call.id, error);
    });
    return call.promise;
  }

  /**
   * Settles a call with its reply. Returns false if there is no such call; the
   * reply to a call that was given up is dropped.
   */
  resolve(id: Id, reply: Reply): boolean {
    const call = this.#remove(id);
    call?.resolve(reply);
    return call !== undefined;
  }

  /** Rejects a call with what the peer replied, or with what went wrong. */
  reject(id: Id, error: unknown): boolean {
    const call = this.#remove(id);
    call?.reject(error);
    return call !== undefined;
  }

  /**
   * The call that was opened first of all that have no reply: the next reply is
   * for it, in a protocol that replies in order. A call that was given up takes
   * its turn like any other.
   */
  first(): PendingCall<Reply, Id> | undefined {
    return this.#calls.first;
  }

  /** Begins the timeout of a call anew: it shows signs of progress. */
  extend(id: Id): void {
    this.#calls.get(id)?.deadline?.extend();
  }

  /** Whether a call with this id has no reply, given up or not. */
  has(id: Id): boolean {
    return this.#calls.has(id);
  }

  /** Takes out a call that was given up and that the peer will not answer. */
  forget(id: Id): void {
    if (this.#calls.get(id)?.abandoned) this.#remove(id);
  }

  /**
   * Rejects every call: the session has ended, and this is its first cause. For
   * calls of `AsyncProtocol.sendCall()`, the session does this.
   */
  end(cause: unknown): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    this.#abandoned = 0;
    this.#clearTimer();
    for (const call of calls) {
      const { method, sent } = call;
      this.#settle(call).reject(
        new CallInterruptedError(
          `Call${named(method)}: the session ended before the reply`,
          { method, sent, cause },
        ),
      );
    }
  }

  /** The id that is given, which must be free, or the next one. */
  #freeId({ id, method }: OpenCallOptions<Id>): Id {
    if (id === undefined) return this.#nextId(method);
    if (!this.#calls.has(id)) return id;
    throw new TypeError(
      `Cannot open a call: id is ${
        String(id)
      }: a call with this id waits already`,
    );
  }

  #nextId(method: string | undefined): Id {
    if (this.#calls.size >= this.#maxId) {
      throw new CallError(
        `Call${named(method)}: all ids are taken: maxId is ${this.#maxId}`,
        { method, sent: false },
      );
    }
    do {
      this.#lastId = this.#lastId < this.#maxId ? this.#lastId + 1 : 1;
    } while (this.#calls.has(this.#lastId as Id));
    return this.#lastId as Id;
  }

  #remove(id: Id): Call<Reply, Id> | undefined {
    const call = this.#calls.delete(id);
    if (!call) return undefined;
    if (call.abandoned) this.#abandoned--;
    if (this.size === 0) this.#clearIdleTimer();
    return this.#settle(call);
  }

  /** The call, whose signal is no longer listened to. */
  #settle(call: Call<Reply, Id>): Call<Reply, Id> {
    if (call.signal) this.#signals.delete(call.signal, call);
    return call;
  }

  /**
   * Rejects calls, and keeps their places until their replies arrive. All are
   * rejected before a hook is called: a hook that throws harms none of them.
   */
  #abandon(
    calls: Iterable<Call<Reply, Id>>,
    reasonOf: (call: Call<Reply, Id>) => unknown,
  ): void {
    const given = [...calls].filter(({ abandoned }) => !abandoned);
    for (const call of given) {
      this.#abandoned++;
      call.abandoned = true;
      this.#settle(call).reject(reasonOf(call));
    }
    for (const call of given) callHook(() => this.#onAbandoned?.(call));
    if (this.size === 0) this.#clearIdleTimer();
  }

  /** One timer for all calls: most of them are answered in time. */
  #setTimer(at: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = at;
    const wait = Math.max(TIMER_STEP_MS, at - performance.now());
    const expire = () => this.#expire();
    this.#timer = setTimeout(expire, Math.min(Math.ceil(wait), MAX_TIMEOUT));
  }

  /**
   * Clears the timer, unless a call is opened within a few turns: where one call
   * follows another, to set a timer for each would cost more than the call.
   */
  async #clearIdleTimer(): Promise<void> {
    this.#idleTurns = 0;
    if (this.#clearing || this.#timer === undefined) return;
    this.#clearing = true;
    while (this.size === 0 && this.#idleTurns++ < IDLE_TURNS) await undefined;
    this.#clearing = false;
    if (this.size === 0) this.#clearTimer();
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  #expire(): void {
    const now = performance.now();
    this.#timerAt = Infinity;
    let next = Infinity;
    const late: Call<Reply, Id>[] = [];
    for (const call of this.#calls.values()) {
      if (call.abandoned) continue;
      const at = call.deadline?.at ?? Infinity;
      if (at > now) next = Math.min(next, at);
      else late.push(call);
    }
    if (next < Infinity) this.#setTimer(next);
    this.#abandon(late, ({ method, sent, deadline }) =>
      new CallTimeoutError(
        `Call${named(method)}: no reply within ${deadline?.time} ms`,
        { method, sent },
      ));
  }
}

function named(method: string | undefined): string {
  return method === undefined ? "" : ` ${JSON.stringify(method)}`;
}
