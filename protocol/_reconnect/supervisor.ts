import type {
  Listener,
  Transport,
  WaitOptions,
} from "../../transports/transport.ts";
import { delay, type Logger } from "../_deps.ts";
import { abortable, handled } from "../_util/abortable.ts";
import { callHook } from "../_util/call_hook.ts";
import { loggable } from "../_util/loggable.ts";
import { loggerOf } from "../_util/logger.ts";
import { checkMember } from "../_util/validate.ts";
import type { Lifecycle, LifecycleSupervisor } from "../_session/lifecycle.ts";
import { type AsyncProtocol, lifecycleOf } from "../async_protocol.ts";
import { ConnectError, StateError } from "../errors.ts";
import type { Reconnection, ReconnectPolicy } from "../reconnection.ts";
import { Runstate } from "../runstate.ts";
import { Backoff } from "./backoff.ts";
import { type CompletePolicy, completePolicy } from "./complete_policy.ts";

/** What the reconnection of one kind of protocol adds. */
export interface SupervisorHooks {
  /** Called before each attempt; the result is disposed of after its session. */
  tap?(): Disposable;
  /** Asked after a session that ended in order: whether another one follows. */
  goesOn?(): boolean;
}

/** A session: by the time that it has ended, its protocol may have another. */
interface Established {
  readonly closed: Promise<void>;
}

/** Keeps a protocol connected. */
export class Supervisor implements Reconnection, LifecycleSupervisor {
  readonly closed: Promise<void>;
  readonly #protocol: AsyncProtocol<unknown, unknown>;
  readonly #lifecycle: Lifecycle<unknown, unknown>;
  readonly #to: Transport | Listener;
  readonly #policy: CompletePolicy;
  readonly #backoff: Backoff;
  readonly #logger: Logger;
  readonly #hooks: SupervisorHooks;
  /** Aborted by `disconnect()` and by a disposal: no session follows. */
  readonly #stop = new AbortController();
  /** Settled when the protocol is connected, or will not be any more. */
  #up = handled();

  constructor(
    protocol: AsyncProtocol<unknown, unknown>,
    to: Transport | Listener,
    policy: ReconnectPolicy,
    hooks: SupervisorHooks = {},
  ) {
    checkMember("to", to, ["accept", "connect"], "a Transport or a Listener");
    this.#lifecycle = lifecycleOf(protocol);
    const { hooks: ofProtocol } = this.#lifecycle;
    this.#policy = completePolicy(
      policy,
      (error) => ofProtocol.isRetriable(error),
    );
    this.#backoff = new Backoff(this.#policy);
    this.#protocol = protocol;
    this.#to = to;
    this.#hooks = hooks;
    const { runstate } = protocol;
    if (runstate !== Runstate.IDLE && runstate !== Runstate.RUNNING) {
      const message =
        `Cannot reconnect: ${this.#name} is ${runstate}: it must be idle or running`;
      throw new StateError(message, runstate, Runstate.IDLE);
    }
    if (this.#lifecycle.supervisor) {
      const message =
        `Cannot reconnect: ${this.#name} is already kept connected by reconnecting(): disconnect() ends that`;
      throw new StateError(message, runstate, Runstate.IDLE);
    }
    this.#logger = loggerOf("parley", "protocol", this.#name);
    this.closed = this.#run();
    this.closed.catch(() => {});
  }

  /** Called by the lifecycle. With a reason, the session or attempt has failed. */
  onUserDisconnect(reason: unknown): void {
    if (reason !== undefined) return;
    this.#stop.abort();
    this.#letGo(this.#protocol.signal.reason);
  }

  connected(options: WaitOptions = {}): Promise<void> {
    return abortable(this.#up.promise, options.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#protocol[Symbol.asyncDispose]();
    await this.closed.catch(() => {});
  }

  get #name(): string {
    return this.#protocol.name ?? this.#protocol.constructor.name;
  }

  async #run(): Promise<void> {
    this.#lifecycle.supervisor = this;
    let failure: { error: unknown } | undefined;
    try {
      await this.#sessions();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      failure = { error };
      this.#log("error", "Session is not made again: {error}", error);
      throw error;
    } finally {
      this.#letGo(failure ? failure.error : this.#protocol.signal.reason);
      this.#up.reject(failure ? failure.error : this.#endedError());
    }
  }

  /** From here on the protocol may be in other hands, of another supervisor say. */
  #letGo(cause: unknown): void {
    if (this.#lifecycle.supervisor !== this) return;
    this.#lifecycle.supervisor = undefined;
    // Otherwise the session will find no supervisor, and tell it.
    if (!this.#lifecycle.endIsUntold) this.#tellLast(cause);
  }

  #endedError(): StateError {
    const why = this.#stop.signal.aborted
      ? "it was disconnected"
      : "its session has ended in order";
    return new StateError(
      `${this.#name} is not connected again: ${why}`,
      this.#protocol.runstate,
      Runstate.RUNNING,
    );
  }

  #tellLast(cause: unknown): void {
    callHook(
      () => this.#lifecycle.hooks.onLastSessionEnd(cause),
      (error) =>
        this.#log("error", "onLastSessionEnd() failed: {error}", error),
    );
  }

  /** Has one session after the other, until one ends in order. */
  async #sessions(): Promise<void> {
    for (;;) {
      using _tap = this.#hooks.tap?.();
      const { closed } = await this.#establish();
      try {
        using _lifetime = this.#backoff.watchSession();
        await closed;
        if (this.#stop.signal.aborted || !this.#hooks.goesOn?.()) return;
        await this.#toIdle();
      } catch (error) {
        await this.#failed(error);
        if (!this.#isRetriable(error)) throw error;
        this.#log("warn", "Session is lost, and is made again: {error}", error);
      }
      await this.#pause();
    }
  }

  /** Makes a session. */
  async #establish(): Promise<Established> {
    const { maxAttempts } = this.#policy;
    for (let attempt = 1;; attempt++) {
      try {
        await this.#connect();
        return await this.#prepare();
      } catch (error) {
        await this.#failed(error);
        if (!this.#isRetriable(error) || attempt >= maxAttempts) throw error;
        this.#log("warn", "Attempt failed, and is made again: {error}", error);
      }
      await this.#pause();
    }
  }

  async #connect(): Promise<void> {
    const protocol = this.#protocol;
    const { signal } = this.#stop;
    const to = this.#to;
    signal.throwIfAborted();
    if (protocol.runstate === Runstate.RUNNING) return;
    await ("accept" in to
      ? protocol.accept(to, { signal })
      : protocol.connect(to, { signal }));
  }

  /** Calls `onConnect()`, unless the session ends in order meanwhile. */
  async #prepare(): Promise<Established> {
    const { closed, signal } = this.#protocol;
    const prepared = (async () => {
      await this.#policy.onConnect();
      return true;
    })();
    const ended = closed.then(() => false);
    if (!await Promise.race([prepared, ended])) return { closed };
    this.#up.resolve();
    // Once the session has ended, the next one is waited for.
    const renew = () => this.#up = handled();
    if (signal.aborted) renew();
    else signal.addEventListener("abort", renew, { once: true });
    return { closed };
  }

  /** Asks the policy about an error, and about the cause of a failed attempt. */
  #isRetriable(error: unknown): boolean {
    const reason = error instanceof ConnectError ? error.cause : undefined;
    return this.#policy.isRetriable(reason ?? error);
  }

  /** Goes back to idle after a failure; throws it if no attempt follows. */
  async #failed(error: unknown): Promise<void> {
    const { signal } = this.#stop;
    // After disconnect(), the protocol may be in other hands.
    if (!signal.aborted) await this.#toIdle();
    if (signal.aborted) throw error;
  }

  /** Disconnects, but not as its user does: another session may follow. */
  async #toIdle(): Promise<void> {
    if (this.#protocol.runstate === Runstate.IDLE) return;
    // It rejects with the cause of the session, which is known.
    await this.#lifecycle.disconnect(undefined, undefined).catch(() => {});
  }

  #log(level: "warn" | "error", text: string, error: unknown): void {
    this.#logger[level](text, { error: loggable(error) });
  }

  /** Waits before an attempt; throws if none is to follow. */
  async #pause(): Promise<void> {
    await delay(this.#backoff.next(), { signal: this.#stop.signal });
  }
}
