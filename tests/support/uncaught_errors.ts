/** Collects the errors that nobody catches, which would end the tests. */
export class UncaughtErrors implements Disposable {
  readonly messages: string[] = [];
  #arrived = Promise.withResolvers<void>();
  readonly #listener = (event: ErrorEvent) => {
    event.preventDefault();
    this.messages.push(event.error.message);
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  };

  constructor() {
    globalThis.addEventListener("error", this.#listener);
  }

  /** Waits for so many errors. */
  async count(count: number): Promise<void> {
    while (this.messages.length < count) await this.#arrived.promise;
  }

  [Symbol.dispose](): void {
    globalThis.removeEventListener("error", this.#listener);
  }
}
