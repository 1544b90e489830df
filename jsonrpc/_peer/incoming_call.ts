import type { AnyMethods, HandlerContext, JSONRPCCaller } from "../methods.ts";
import { type CancellationDialect, isRecord } from "../cancellation.ts";
import type { JSONRPCId } from "../messages.ts";

/** The parts of the peer that a call needs. */
export interface CallHost {
  readonly caller: JSONRPCCaller<AnyMethods>;
  readonly dialect: CancellationDialect | undefined;
}

/** A request or notification of the peer, while its handler runs. */
export class IncomingCall implements HandlerContext {
  readonly method: string;
  readonly params: unknown;
  readonly id: JSONRPCId | undefined;
  /** Its progress is not reported any more. */
  answered = false;
  readonly #host: CallHost;
  /** Made when a handler asks for the signal: most do not. */
  #controller: AbortController | undefined;
  #cancelled: { readonly reason: unknown } | undefined;

  constructor(
    host: CallHost,
    method: string,
    params: unknown,
    id: JSONRPCId | undefined,
  ) {
    this.#host = host;
    this.method = method;
    this.params = params;
    this.id = id;
  }

  get peer(): JSONRPCCaller<AnyMethods> {
    return this.#host.caller;
  }

  get meta(): unknown {
    return isRecord(this.params) ? this.params._meta : undefined;
  }

  get cancelled(): boolean {
    return this.#cancelled !== undefined;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#cancelled) this.#controller.abort(this.#cancelled.reason);
    }
    return this.#controller.signal;
  }

  /** Aborts the handler's signal; the first reason stays. */
  cancel(reason: unknown): void {
    this.#cancelled ??= { reason };
    this.#controller?.abort(this.#cancelled.reason);
  }

  /** Bound, so that a handler can take it out of its context. */
  get progress(): (value: unknown) => Promise<void> {
    return (value) => this.#report(value);
  }

  #report(value: unknown): Promise<void> {
    const progress = this.answered ? undefined : this.#host.dialect?.progress;
    const token = isRecord(this.params) && progress?.tokenOf(this.params);
    if (!progress || typeof token !== "string" && typeof token !== "number") {
      return Promise.resolve();
    }
    const { tokenMember, valueMember } = progress;
    const report = valueMember === undefined
      ? { ...isRecord(value) ? value : { progress: value } }
      : { [valueMember]: value };
    return this.peer.notify(progress.method, {
      [tokenMember]: token,
      ...report,
    });
  }
}
