/**
 * The number of in-band commands that may wait, and of out-of-band commands.
 * QEMU has the same limit in band.
 */
const MAX_PENDING = 8;

/**
 * The commands of a session that are not answered. In-band commands run one after
 * another, out-of-band commands at once.
 */
export class CommandQueue {
  /** In band, in order; the first one runs. */
  readonly #inBand: (() => Promise<void>)[] = [];
  #outOfBand = 0;
  /** One promise for all in-band commands, and one for each out-of-band command. */
  readonly #running = new Set<Promise<void>>();
  #room: PromiseWithResolvers<void> | undefined;
  #closed = false;
  #ended = false;

  /** Whether the queue accepts no more commands. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Adds a command in band. */
  add(run: () => Promise<void>): void {
    this.#inBand.push(run);
    if (this.#inBand.length === 1) this.#start(() => this.#runInBand());
  }

  /** Adds a command out of band. */
  addOutOfBand(run: () => Promise<void>): void {
    this.#outOfBand++;
    this.#start(async () => {
      await run();
      this.#outOfBand--;
      this.#wake();
    });
  }

  /**
   * A promise that resolves when there is room for one more command, or the
   * queue ends; `undefined` if there is room.
   */
  room(): Promise<void> | undefined {
    if (this.#hasRoom()) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Resolves when every command is answered. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Accepts no more commands. The commands in the queue still run. */
  close(): void {
    this.#closed = true;
  }

  /** Drops the commands that have not started. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Runs in a later turn, so that a command that ends its session is waited for. */
  #start(run: () => Promise<void>): void {
    const running = Promise.resolve().then(run).finally(() =>
      this.#running.delete(running)
    );
    this.#running.add(running);
  }

  async #runInBand(): Promise<void> {
    while (!this.#ended) {
      const run = this.#inBand.at(0);
      if (run === undefined) break;
      await run();
      this.#inBand.shift();
      this.#wake();
    }
  }

  #hasRoom(): boolean {
    return this.#ended ||
      !this.#closed && this.#inBand.length < MAX_PENDING &&
        this.#outOfBand < MAX_PENDING;
  }

  #wake(): void {
    if (!this.#room || !this.#hasRoom()) return;
    this.#room.resolve();
    this.#room = undefined;
  }
}
