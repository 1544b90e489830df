import type { JSONRPCId } from "./messages.ts";

/**
 * The methods of a peer whose types are not known. Params and results are
 * unchecked, like the result of `JSON.parse()`.
 */
// deno-lint-ignore no-explicit-any -- as in the type of JSON.parse()
export type AnyMethods = Record<string, (params?: any) => any>;

/** The type of the params of a method. */
export type ParamsOf<Method> = Method extends (...args: infer Args) => unknown
  ? Args extends [] ? undefined : Args[0]
  : unknown;

/** The type of the result of a method. */
export type ResultOf<Method> = Method extends (...args: never[]) => infer Result
  ? Awaited<Result>
  : unknown;

/** The methods that a peer answers, by name; notifications are among them. */
export type Handlers<Local> = {
  [Name in keyof Local]?: (
    params: ParamsOf<Local[Name]>,
    context: HandlerContext,
  ) => ResultOf<Local[Name]> | Promise<ResultOf<Local[Name]>>;
};

/** The arguments of a request behind its method. */
export type CallArgs<Method, Options> = Method extends
  (...args: infer Args) => unknown
  ? Args extends [] ? [params?: undefined, options?: Options]
  : undefined extends Args[0] ? [params?: Args[0], options?: Options]
  : [params: Args[0], options?: Options]
  : [params?: unknown, options?: Options];

/** Options of a request. */
export interface RequestOptions {
  /**
   * Aborts the request: the promise rejects with the signal's reason, and the peer
   * is told to cancel it if there is a dialect of cancellation.
   *
   * @default {undefined}
   */
  signal?: AbortSignal | undefined;
  /**
   * The deadline of the response, in milliseconds; each report of progress
   * restarts it. `Infinity` lifts the peer's timeout.
   *
   * @default {the peer's timeout}
   */
  timeout?: number | undefined;
  /**
   * The deadline that no progress extends, in milliseconds. It holds also if
   * `timeout` is later.
   *
   * @default {10 times the timeout}
   */
  totalTimeout?: number | undefined;
  /**
   * Called with each progress report, which the request then asks for. The peer's
   * dialect must have progress. An error is logged, also if it is async.
   *
   * @default {undefined}
   */
  onProgress?: ((value: unknown) => void) | undefined;
}

/** The half of a peer that calls. */
export interface JSONRPCCaller<Remote> {
  /**
   * Sends a request, and resolves with its result. The promise may be left alone:
   * its rejection is never unhandled.
   */
  request<Name extends keyof Remote & string>(
    method: Name,
    ...args: CallArgs<Remote[Name], RequestOptions>
  ): Promise<ResultOf<Remote[Name]>>;
  /**
   * Sends a notification, and resolves when there is room for the next. The
   * promise may be left alone: its rejection is never unhandled.
   */
  notify<Name extends keyof Remote & string>(
    method: Name,
    ...args: CallArgs<Remote[Name], never>
  ): Promise<void>;
}

/** What a handler gets in addition to the params. */
export interface HandlerContext {
  /** The name of the method. */
  readonly method: string;
  /** The id of the request; undefined for a notification. */
  readonly id: JSONRPCId | undefined;
  /**
   * Aborted when the caller cancels the request, or the session ends, before the
   * answer. A subscription, which outlives its request, ends with the `signal` of
   * the `JSONRPCPeer`.
   */
  readonly signal: AbortSignal;
  /** The `_meta` member of the params, as in MCP. */
  readonly meta: unknown;
  /** The handler's own peer, to call back. */
  readonly peer: JSONRPCCaller<AnyMethods>;
  /**
   * Reports progress if the caller has asked for it; otherwise, and after the
   * answer, it sends nothing.
   * Resolves when there is room for the next report. The promise may be left
   * alone: its rejection is never unhandled.
   */
  progress(value: unknown): Promise<void>;
}

/**
 * The order in which handlers run: one after the other, concurrently, at most a
 * given number at once, or one after the other for calls with the same key.
 */
export type HandlerOrder =
  | "serial"
  | "parallel"
  | number
  | ((method: string, params: unknown) => unknown);
