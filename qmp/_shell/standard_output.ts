import type { Sink } from "./output.ts";

/** The standard output and the standard error. */
export class StandardOutput implements Sink {
  readonly #gone = new AbortController();

  /** Aborted when the reader of the output has closed it. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  out(text: string): void {
    const bytes = new TextEncoder().encode(`${text}\n`);
    try {
      for (let at = 0; at < bytes.length;) {
        at += Deno.stdout.writeSync(bytes.subarray(at));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      this.#gone.abort(error);
    }
  }

  err(text: string): void {
    console.error(text);
  }
}
