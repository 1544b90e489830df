import { checkNumber, MAX_TIMEOUT } from "../protocol/_util/validate.ts";
import { ConnectError, Runstate, StateError } from "../protocol/mod.ts";
import type { WaitOptions } from "../transports/transport.ts";
import { unix } from "../transports/unix.ts";
import { messageOf } from "./_wire/failure.ts";
import { within } from "./_client/wait.ts";
import { QMPClient } from "./client.ts";
import type { AnySchema, QMPSchema } from "./schema.ts";

export type * from "./mod.ts";

/** How much of its standard error is kept of a process: the last of it. */
const STDERR_CHARACTERS = 16 * 1024;

/** Options of {@linkcode launch}. */
export interface LaunchOptions<S extends QMPSchema = AnySchema>
  extends WaitOptions {
  /**
   * The program: a QEMU system emulator, or `qemu-storage-daemon`.
   *
   * @default {"qemu-system-x86_64"}
   */
  program?: string;
  /**
   * Its arguments; those for the control socket are added.
   *
   * @default {[]}
   */
  args?: readonly string[];
  /**
   * The client to connect, which is `idle`. Without it, one is made.
   *
   * @default {undefined}
   */
  client?: QMPClient<S>;
  /**
   * For how long the program may take until its session is established, in
   * milliseconds.
   *
   * @default {30000}
   */
  startTimeout?: number;
  /**
   * For how long the program may take to end, in milliseconds: after `quit`, and
   * again after each of the signals that follow it.
   *
   * @default {5000}
   */
  endTimeout?: number;
}

/** A program that runs, and the client that is connected to it. */
export interface LaunchedProcess<S extends QMPSchema = AnySchema>
  extends AsyncDisposable {
  /** Connected to the program. */
  readonly client: QMPClient<S>;
  /** The program's process. */
  readonly pid: number;
  /** Fulfils when the process has ended. */
  readonly status: Promise<Deno.CommandStatus>;
  /** The last that the program has written to its standard error. */
  readonly stderr: string;
  /** A private folder, with the control socket in it; it is removed at the end. */
  readonly folder: string;
  /**
   * Ends the program by `quit`, or else by SIGTERM, or else by SIGKILL; leaves
   * the client idle, and nothing behind.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts QEMU, or its storage daemon, with a control socket in a private folder,
 * and resolves when a client is connected to it. The program dials and we
 * listen: there is nothing to poll, and no moment that is too early.
 *
 * If this fails, the process has ended, and nothing is left behind.
 *
 * @throws {Deno.errors.NotFound} The program is not on the PATH.
 * @throws {RangeError} A time is negative or no number.
 * @throws {StateError} The client is not idle; nothing has changed.
 * @throws {ConnectError} No session came about; where the program has ended, the
 * message has what it said.
 * @throws The signal's reason, when it is aborted.
 *
 * @example A machine without anything in it
 * ```ts ignore
 * import { launch } from "@parley/parley/qmp/launch";
 * import { assertEquals } from "@std/assert";
 *
 * await using qemu = await launch({
 *   args: ["-machine", "none", "-nodefaults", "-display", "none", "-S"],
 * });
 * const { running } = await qemu.client.execute("query-status") as {
 *   running: boolean;
 * };
 * assertEquals(running, false);
 * ```
 */
export async function launch<S extends QMPSchema = AnySchema>(
  options: LaunchOptions<S> = {},
): Promise<LaunchedProcess<S>> {
  const {
    program = "qemu-system-x86_64",
    args = [],
    client = new QMPClient<S>(),
    startTimeout = 30_000,
    endTimeout = 5_000,
    signal,
  } = options;
  checkNumber("startTimeout", startTimeout, 0, Infinity);
  checkNumber("endTimeout", endTimeout, 0, Infinity);
  signal?.throwIfAborted();
  const { runstate } = client;
  if (runstate !== Runstate.IDLE) {
    const message = `Cannot launch with a client that is ${runstate}`;
    throw new StateError(message, runstate, Runstate.IDLE);
  }
  await using cleanup = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "parley-" });
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const path = `${folder}/qmp`;
  await using listener = await unix({ path }).listen();
  const child = new Child(program, [...args, ...monitorArgs(program, path)]);
  cleanup.defer(() => child.end(client, endTimeout));

  const giveUp = new AbortController();
  const late = new DOMException(`${startTimeout} ms passed`, "TimeoutError");
  const timer = setTimeout(
    () => giveUp.abort(late),
    Math.min(startTimeout, MAX_TIMEOUT),
  );
  const abort = () => giveUp.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted) abort();
  child.death.then((death) => giveUp.abort(death));
  try {
    await client.accept(listener, { signal: giveUp.signal });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    await child.end(client, endTimeout);
    const why = [messageOf(cause), child.stderr.trim()].filter(Boolean);
    const message = `Failed to start ${program}: ${why.join(": ")}`;
    throw new ConnectError(message, { cause });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
  const owned = cleanup.move();
  return {
    client,
    pid: child.pid,
    status: child.status,
    get stderr() {
      return child.stderr;
    },
    folder,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The arguments for a control socket that the program dials. */
function monitorArgs(program: string, path: string): string[] {
  const socket = `socket,id=parley,path=${path.replaceAll(",", ",,")}`;
  return program.endsWith("qemu-storage-daemon")
    ? ["--chardev", socket, "--monitor", "chardev=parley"]
    : ["-chardev", socket, "-mon", "chardev=parley,mode=control"];
}

type Client = Pick<QMPClient, "quit" | "disconnect" | "runstate">;

/** A process with its standard error, and the ways to end it. */
class Child {
  readonly #program: string;
  readonly #process: Deno.ChildProcess;
  readonly #drained: Promise<void>;
  #stderr = "";

  constructor(program: string, args: string[]) {
    this.#program = program;
    try {
      this.#process = new Deno.Command(program, {
        args,
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).spawn();
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      const message = `Cannot start ${program}: it is not on the PATH`;
      throw new Deno.errors.NotFound(message, { cause });
    }
    this.#drained = this.#drain();
  }

  get pid(): number {
    return this.#process.pid;
  }
  get status(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }
  get stderr(): string {
    return this.#stderr;
  }

  /** Fulfils with an error that says how it ended. */
  get death(): Promise<Error> {
    return this.#drained.then(async () => {
      const { code, signal } = await this.status;
      return new Error(
        signal ? `it was ended by ${signal}` : `it ended with code ${code}`,
      );
    });
  }

  /** Ends it, as gently as it lets us, and leaves the client idle. */
  async end(client: Client, timeout: number): Promise<void> {
    const ways = [
      () => client.quit(),
      () => this.#kill("SIGTERM"),
      () => this.#kill("SIGKILL"),
    ];
    let failure: unknown;
    for (const way of ways) {
      try {
        await within(timeout, Promise.all([way(), this.#drained]));
        failure = undefined;
        break;
      } catch (error) {
        failure = error;
      }
    }
    // Only how the process ended matters now.
    if (client.runstate !== Runstate.IDLE) {
      await client.disconnect().catch(() => {});
    }
    if (failure === undefined) return;
    throw new Error(
      `Cannot end ${this.#program}: process ${this.pid} is still there`,
      { cause: failure },
    );
  }

  #kill(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** A process whose standard error nobody reads could come to a stop. */
  async #drain(): Promise<void> {
    const text = this.#process.stderr.pipeThrough(new TextDecoderStream());
    for await (const chunk of text) {
      this.#stderr = (this.#stderr + chunk).slice(-STDERR_CHARACTERS);
    }
    await this.status;
  }
}
