/**
 * One step of a scripted peer:
 *
 * - `{ expect }`: waits for exactly these bytes,
 * - `"expect end"`: waits for the other end's EOF, with no bytes before it,
 * - `{ send }`: sends these bytes,
 * - `{ wait }`: calls the function, and goes on when its promise is fulfilled,
 * - `"half-close"`: ends our writing; reading goes on,
 * - `"reset"`: resets the connection; it is the last step.
 *
 * A string is sent or expected as UTF-8.
 */
export type ScriptStep =
  | { readonly expect: string | Uint8Array }
  | { readonly send: string | Uint8Array }
  | { readonly wait: () => PromiseLike<unknown> }
  | "expect end"
  | "half-close"
  | "reset";

/** The other end has not done what the script expects. */
export class ScriptError extends Error {
  /** The number of the step, from 1; one more than the last for what follows it. */
  readonly step: number;

  /** Makes an error of one step. */
  constructor(message: string, step: number, options?: ErrorOptions) {
    super(message, options);
    this.name = "ScriptError";
    this.step = step;
  }
}
