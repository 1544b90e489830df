import { delay } from "../_deps.ts";
import type { ChildProcess, ExitStatus } from "../_system/child_process.ts";
import type { System } from "../_system/system.ts";
import { kill } from "./kill.ts";
import { type Keeper, startKeeper } from "./keeper.ts";
import { StderrTail } from "./stderr_tail.ts";

/** How long the process may take to end after EOF, and again after SIGTERM. */
const END_MS = 2_000;

/**
 * How long the exit status and the last bytes of stderr are waited for after the
 * process's output has ended. They come with it unless the process goes on.
 */
const STATUS_MS = 200;

/** How a process is started. */
export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly stderr: "keep" | "inherit" | "null";
}

/** The processes without a keeper, which may not outlive this one. */
let unkept: Set<ChildProcess> | undefined;

/** A process, its last lines of stderr, and the ways to end it. */
export class Child {
  readonly #process: ChildProcess;
  readonly #status: Promise<ExitStatus>;
  readonly #keeper: Keeper | undefined;
  readonly #stderr: StderrTail | undefined;
  #exited: ExitStatus | undefined;
  /** It ends because we want it to: how it does is not a failure. */
  #ending = false;
  #end: Promise<void> | undefined;

  /** @throws The system's error, if the process or its keeper cannot be started. */
  static async start(
    system: System,
    { command, args, cwd, env, stderr }: ChildOptions,
  ): Promise<Child> {
    const times = { patience: END_MS, timeout: END_MS };
    const keeper = await startKeeper(system, times);
    try {
      const process = await system.spawn(command, {
        args: [...args],
        ...cwd !== undefined && { cwd },
        ...env && { env: { ...env } },
        stdin: "piped",
        stdout: "piped",
        stderr: stderr === "keep" ? "piped" : stderr,
      });
      const tail = stderr === "keep"
        ? new StderrTail(process.stderr)
        : undefined;
      const child = new Child(process, tail, keeper);
      if (keeper) await keeper.keep(process.pid);
      else endWithUs(system, process);
      return child;
    } catch (error) {
      await keeper?.dismiss();
      throw error;
    }
  }

  constructor(
    process: ChildProcess,
    stderr: StderrTail | undefined,
    keeper: Keeper | undefined,
  ) {
    this.#process = process;
    this.#stderr = stderr;
    this.#keeper = keeper;
    this.#status = this.#watch();
  }

  get stdin(): WritableStream<Uint8Array> {
    return this.#process.stdin;
  }
  get stdout(): ReadableStream<Uint8Array> {
    return this.#process.stdout;
  }

  /**
   * Explains an end that is a failure: the exit code or the signal, and the last
   * lines of stderr. Waits a moment for them.
   *
   * @returns `undefined` if the process goes on, or has ended well.
   */
  async failure(): Promise<string | undefined> {
    await within(STATUS_MS, this.#status);
    const status = this.#exited;
    if (!status || status.success || this.#ending) return undefined;
    if (this.#stderr) await within(STATUS_MS, this.#stderr.done);
    const how = status.signal
      ? `the process was ended by ${status.signal}`
      : `the process has exited with code ${status.code}`;
    const lines = this.#stderr?.lines ?? [];
    return lines.length > 0 ? `${how}: ${lines.join(" | ")}` : how;
  }

  /**
   * Waits for the process, whose input ends, to end; after a while by SIGTERM, and
   * then by SIGKILL. Further calls wait for the same end.
   */
  end(): Promise<void> {
    return this.#end ??= this.#endInTime();
  }

  /** Ends the process at once. */
  async kill(): Promise<void> {
    this.#ending = true;
    kill(this.#process, "SIGKILL");
    await this.#released();
  }

  async #endInTime(): Promise<void> {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await within(END_MS, this.#status);
      if (this.#exited) break;
      this.#ending = true;
      kill(this.#process, signal);
    }
    await this.#released();
  }

  async #released(): Promise<void> {
    await this.#status;
    await this.#keeper?.dismiss();
    if (!this.#stderr) return;
    await within(STATUS_MS, this.#stderr.done);
    await this.#stderr.cancel();
  }

  async #watch(): Promise<ExitStatus> {
    const status = await this.#process.status;
    this.#exited = status;
    unkept?.delete(this.#process);
    return status;
  }
}

function endWithUs(system: System, process: ChildProcess): void {
  if (!unkept) {
    const all = unkept = new Set();
    system.onExit(() => {
      for (const process of all) kill(process, "SIGKILL");
    });
  }
  unkept.add(process);
}

/** Waits until the promise has settled, or the time has passed. */
async function within(ms: number, done: Promise<unknown>): Promise<void> {
  const late = new AbortController();
  const timeout = delay(ms, { signal: late.signal }).catch(() => {});
  await Promise.race([done, timeout]);
  late.abort();
  await timeout;
}
