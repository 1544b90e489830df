/**
 * One step of a scripted peer:
 *
 * - `{ expect }`: exactly these bytes come,
 * - `"expect end"`: the other end has ended its writing, and nothing came before,
 * - `{ send }`: these bytes go out,
 * - `{ wait }`: the script goes on once the promise is fulfilled; the function is
 *   called when its turn comes,
 * - `"half-close"`: our writing ends, and reading goes on,
 * - `"reset"`: the connection fails; it is the last step.
 *
 * A string stands for its UTF-8.
 */
export type ScriptStep =
  | { readonly expect: string | Uint8Array }
  | { readonly send: string | Uint8Array }
  | { readonly wait: () => PromiseLike<unknown> }
  | "expect end"
  | "half-close"
  | "reset";

/** What happened is not what the script says. */
export class ScriptError extends Error {
  /** Which step it was, counted from 1; one more than there are for what came after the last. */
  readonly step: number;

  /** Says at which step, and what happened. */
  constructor(message: string, step: number, options?: ErrorOptions) {
    super(message, options);
    this.name = "ScriptError";
    this.step = step;
  }
}
