import { deadline } from "@std/async";
import { TextLineStream } from "@std/streams";

const READY_MS = 30_000;
const INSTALL = "apt-get install -y --no-install-recommends " +
  "qemu-system-x86 qemu-utils qemu-guest-agent socat gnutls-bin neovim " +
  "nats-server mosquitto chromium redis-server xvfb dbus-daemon dbus-bin " +
  "python3-aiosmtpd postgresql-15 haproxy";

/** A program, and how to recognize in its log that it is ready. */
export interface RealProcessOptions {
  program: string;
  /** The arguments, for the private folder that was made. */
  args: (folder: string) => string[] | Promise<string[]>;
  /** Matches the line of the log when the program is ready. */
  ready?: RegExp;
  /**
   * Where it writes its log.
   *
   * @default {"stderr"}
   */
  log?: "stdout" | "stderr";
}

/**
 * A program of this machine, running in a private folder. At its end the
 * process is gone, its log read to the end, and the folder removed.
 */
export class RealProcess implements AsyncDisposable {
  readonly folder: string;
  readonly #program: string;
  readonly #child: Deno.ChildProcess;
  readonly #lines: string[] = [];
  readonly #ready = Promise.withResolvers<RegExpExecArray>();
  readonly #drained: Promise<void>;

  constructor(
    { program, ready, log = "stderr" }: RealProcessOptions,
    folder: string,
    args: string[],
  ) {
    this.folder = folder;
    this.#program = program;
    this.#child = new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: log === "stdout" ? "piped" : "null",
      stderr: log === "stderr" ? "piped" : "null",
    }).spawn();
    this.#ready.promise.catch(() => {});
    this.#drained = this.#drain(this.#child[log], ready);
  }

  /** Starts the program; where `ready` was given, `matched` tells of it. */
  static async start(options: RealProcessOptions): Promise<RealProcess> {
    const folder = await Deno.makeTempDir({ prefix: "parley-" });
    try {
      return new RealProcess(options, folder, await options.args(folder));
    } catch (cause) {
      await Deno.remove(folder, { recursive: true });
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      const message = `${options.program} is missing: ${INSTALL}`;
      throw new Error(message, { cause });
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The status of the process; settles at its end. */
  get status(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  /** The log so far. */
  get log(): string {
    return this.#lines.join("\n");
  }

  /** The line that was printed when the program was ready; rejects if it ends first. */
  ready(): Promise<RegExpExecArray> {
    return deadline(this.#ready.promise, READY_MS);
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      // A process that waits for its first peer ignores anything gentler.
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.status;
    await this.#drained;
    await Deno.remove(this.folder, { recursive: true });
  }

  async #drain(
    log: ReadableStream<Uint8Array>,
    ready?: RegExp,
  ): Promise<void> {
    const lines = log
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) {
      this.#lines.push(line);
      const match = ready?.exec(line);
      if (match) this.#ready.resolve(match);
    }
    const { code, signal } = await this.status;
    const message = `${this.#program} ended before it was ready: ` +
      `${signal ?? `exit code ${code}`}: ${this.log}`;
    this.#ready.reject(new Error(message));
  }
}

const reported = new Set<string>();

/**
 * Options of a test that needs programs of this machine. If one is missing,
 * the test is skipped and the reason printed; in CI it runs, and fails.
 *
 * ```
 * Deno.test({ name: "…", ...needs("qemu-system-x86_64"), fn: … });
 * ```
 */
export function needs(...programs: string[]): { ignore: boolean } {
  const missing = programs.filter((program) => !present(program));
  for (const program of missing) {
    if (reported.has(program)) continue;
    reported.add(program);
    console.warn(`Tests skipped: ${program} is missing: ${INSTALL}`);
  }
  return { ignore: missing.length > 0 && Deno.env.get("CI") !== "true" };
}

/** Whether the program can be started, whatever it makes of its argument. */
function present(program: string): boolean {
  try {
    new Deno.Command(program, { args: ["--version"] }).outputSync();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
