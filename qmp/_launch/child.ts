import { Runstate } from "../../protocol/mod.ts";
import type { QMPClient } from "../client.ts";
import { within } from "../_client/wait.ts";

/** How many of the last characters of a process's standard error are kept. */
const STDERR_CHARACTERS = 16 * 1024;

/** How long stderr is read after the process's end if a helper keeps it open. */
const STDERR_MS = 200;

/** How a program is started. */
export type ChildOptions = Pick<
  Deno.CommandOptions,
  "args" | "cwd" | "detached" | "env" | "stdin" | "stdout"
>;

type Client = Pick<QMPClient, "quit" | "disconnect" | "runstate">;

/** A process with its standard error, and the ways to end it. */
export class Child {
  readonly #program: string;
  readonly #options: ChildOptions;
  readonly #process: Deno.ChildProcess;
  readonly #errors: ReadableStreamDefaultReader<Uint8Array>;
  #stderr = "";
  /** Fulfils when the process has ended, and its stderr has been read. */
  readonly ended: Promise<Deno.CommandStatus>;

  /** @throws {Deno.errors.NotFound} The program or the folder is missing. */
  constructor(program: string, options: ChildOptions) {
    this.#program = program;
    this.#options = options;
    try {
      this.#process = new Deno.Command(program, { ...options, stderr: "piped" })
        .spawn();
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      const reason = cause.message.includes("No such cwd")
        ? `its working folder ${options.cwd} does not exist`
        : "it is not on the PATH";
      const message = `Cannot start ${program}: ${reason}`;
      throw new Deno.errors.NotFound(message, { cause });
    }
    this.#errors = this.#process.stderr.getReader();
    this.ended = this.#watch();
  }

  get pid(): number {
    return this.#process.pid;
  }
  get status(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }
  get stdin(): WritableStream<Uint8Array> {
    return this.#process.stdin;
  }
  get stdout(): ReadableStream<Uint8Array> {
    return this.#process.stdout;
  }
  get stderr(): string {
    return this.#stderr;
  }

  /** Fulfils with an error that has the exit code or signal of the process. */
  get death(): Promise<Error> {
    return this.ended.then(({ code, signal }) =>
      new Error(
        signal ? `it was ended by ${signal}` : `it ended with code ${code}`,
      )
    );
  }

  /**
   * Ends the process, by force only if necessary, and leaves the client idle.
   *
   * @param timeout How long each step may take, in milliseconds.
   */
  async end(client: Client, timeout: number): Promise<void> {
    const { status } = this;
    const ways = [
      () => client.quit(),
      () => this.#kill("SIGTERM"),
      () => this.#kill("SIGKILL"),
    ];
    let failure: unknown;
    for (const way of ways) {
      try {
        // Only the process matters: a helper may keep inherited descriptors open.
        const tried = Promise.try(way).then(() => status);
        await within(timeout, Promise.race([status, tried]));
        failure = undefined;
        break;
      } catch (error) {
        failure = error;
      }
    }
    // Only the process's end matters now.
    if (client.runstate !== Runstate.IDLE) {
      await client.disconnect().catch(() => {});
    }
    if (failure !== undefined) {
      throw new Error(
        `Cannot end ${this.#program}: process ${this.pid} is still there`,
        { cause: failure },
      );
    }
    await this.ended;
    await this.#release();
  }

  #kill(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** Reads standard error: a full pipe could block the process. */
  async #watch(): Promise<Deno.CommandStatus> {
    const read = this.#readErrors();
    const status = await this.status;
    await within(STDERR_MS, read).catch(() => this.#errors.cancel());
    return status;
  }

  async #readErrors(): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await this.#errors.read();
      if (done) return;
      this.#stderr = (this.#stderr + decoder.decode(value, { stream: true }))
        .slice(-STDERR_CHARACTERS);
    }
  }

  /** Closes the pipes that are not locked. */
  async #release(): Promise<void> {
    const { stdin, stdout } = this.#options;
    if (stdin === "piped" && !this.stdin.locked) {
      await this.stdin.abort().catch(() => {});
    }
    if (stdout === "piped" && !this.stdout.locked) {
      await this.stdout.cancel().catch(() => {});
    }
  }
}
