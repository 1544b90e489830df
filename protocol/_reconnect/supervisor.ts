import type {
  Listener,
  Transport,
  WaitOptions,
} from "../../transports/transport.ts";
import { delay, type Logger } from "../_deps.ts";
import { abortable, handled } from "../_util/abortable.ts";
import { loggable } from "../_util/loggable.ts";
import { loggerOf } from "../_util/logger.ts";
import { checkMember } from "../_util/validate.ts";
import type { Lifecycle } from "../_session/lifecycle.ts";
import { type AsyncProtocol, lifecycleOf } from "../async_protocol.ts";
import { StateError } from "../errors.ts";
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

/** Keeps a protocol connected. */
export class Supervisor implements Reconnection {
  readonly closed: Promise<void>;
  readonly #protocol: AsyncProtocol<unknown, unknown>;
  readonly #lifecycle: Lifecycle<unknown, unknown>;
  readonly #to: Transport | Listener;
  readonly #policy: CompletePolicy;
  readonly #backoff: Backoff;
  readonly #logger: Logger;
  readonly #hooks: SupervisorHooks;
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
    this.#logger = loggerOf("parley", "protocol", this.#name);
    this.closed = this.#run();
    this.closed.catch(() => {});
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
    let cause: unknown = new StateError(
      `${this.#name} is not connected again: its session has ended in order`,
      Runstate.IDLE,
      Runstate.RUNNING,
    );
    // Failures are logged here: as warnings, if there is another attempt.
    const lifecycle = this.#lifecycle;
    const { host } = lifecycle;
    lifecycle.host = { failureLevel: "debug" };
    lifecycle.supervised = true;
    let failure: { error: unknown } | undefined;
    try {
      await this.#sessions();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      cause = error;
      failure = { error };
      this.#log("error", "Session is not made again: {error}", error);
      throw error;
    } finally {
      lifecycle.host = host;
      lifecycle.supervised = false;
      this.#up.reject(cause);
      this.#tellLast(failure ? failure.error : this.#protocol.signal.reason);
    }
  }

  #tellLast(cause: unknown): void {
    try {
      this.#lifecycle.hooks.onLastSessionEnd(cause);
    } catch (error) {
      this.#log("error", "onLastSessionEnd() failed: {error}", error);
    }
  }

  /** Has one session after the other, until one ends in order. */
  async #sessions(): Promise<void> {
    const protocol = this.#protocol;
    do {
      using _tap = this.#hooks.tap?.();
      if (!await this.#establish()) return;
      try {
        using _lifetime = this.#backoff.watchSession();
        await protocol.closed;
        if (!this.#hooks.goesOn?.()) return;
        await protocol.disconnect();
      } catch (error) {
        await protocol.disconnect().catch(() => {}); // Rejects with the same error.
        if (!this.#policy.isRetriable(error)) throw error;
        this.#log("warn", "Session is lost, and is made again: {error}", error);
      }
    } while (await this.#pause());
  }

  /** Makes a session; false if the protocol was disconnected meanwhile. */
  async #establish(): Promise<boolean> {
    const protocol = this.#protocol;
    const { maxAttempts, isRetriable } = this.#policy;
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#connect() && await this.#prepare();
      } catch (error) {
        if (protocol.runstate !== Runstate.IDLE) {
          await protocol.disconnect().catch(() => {}); // The error is enough.
        }
        if (!isRetriable(error) || attempt >= maxAttempts) throw error;
        this.#log("warn", "Attempt failed, and is made again: {error}", error);
      }
      if (!await this.#pause()) return false;
    }
  }

  async #connect(): Promise<boolean> {
    const protocol = this.#protocol;
    const { signal } = this.#stop;
    const to = this.#to;
    if (protocol.runstate === Runstate.RUNNING) return true;
    try {
      await ("accept" in to
        ? protocol.accept(to, { signal })
        : protocol.connect(to, { signal }));
      return true;
    } catch (error) {
      // The reason itself is thrown if disconnect() has ended the attempt.
      if (error === protocol.signal.reason) return false;
      throw error;
    }
  }

  /** Calls `onConnect()`; false if the session ends in order meanwhile. */
  async #prepare(): Promise<boolean> {
    const { closed, signal } = this.#protocol;
    const prepared = (async () => {
      await this.#policy.onConnect();
      return true;
    })();
    const ended = closed.then(() => false);
    if (!await Promise.race([prepared, ended])) return false;
    this.#up.resolve();
    // Once the session has ended, the next one is waited for.
    const renew = () => this.#up = handled();
    if (signal.aborted) renew();
    else signal.addEventListener("abort", renew, { once: true });
    return true;
  }

  #log(level: "warn" | "error", text: string, error: unknown): void {
    this.#logger[level](text, { error: loggable(error) });
  }

  /** Waits before an attempt; false if the protocol is disconnected meanwhile. */
  async #pause(): Promise<boolean> {
    const lifecycle = this.#lifecycle;
    const disconnected = new AbortController();
    lifecycle.onIdleDisconnect = () => disconnected.abort();
    const signals = [this.#stop.signal, disconnected.signal];
    try {
      await delay(this.#backoff.next(), { signal: AbortSignal.any(signals) });
    } catch (error) {
      if (!disconnected.signal.aborted) throw error;
    } finally {
      lifecycle.onIdleDisconnect = undefined;
    }
    return !disconnected.signal.aborted;
  }
}
