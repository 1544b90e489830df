/** Collects the rejections that nobody handles, which would end the tests. */
export class UnhandledRejections implements Disposable {
  readonly #reasons: unknown[] = [];
  readonly #listener = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    this.#reasons.push(event.reason);
  };

  constructor() {
    globalThis.addEventListener("unhandledrejection", this.#listener);
  }

  /** The reasons until now; Deno reports them after the pending microtasks. */
  async reported(): Promise<readonly unknown[]> {
    await new Promise((resolve) => setTimeout(resolve));
    return this.#reasons;
  }

  [Symbol.dispose](): void {
    globalThis.removeEventListener("unhandledrejection", this.#listener);
  }
}
