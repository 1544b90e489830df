import { startTimer } from "../protocol/_util/start_timer.ts";
import { checkNumber } from "../protocol/_util/validate.ts";
import { ConnectError, Runstate, StateError } from "../protocol/mod.ts";
import type { WaitOptions } from "../transports/transport.ts";
import { denoSystem } from "../transports/_deno/deno_system.ts";
import { startKeeper } from "../transports/_process/keeper.ts";
import { unix } from "../transports/unix.ts";
import { Child } from "./_launch/child.ts";
import { makeFolder } from "./_launch/folder.ts";
import { monitorArgs } from "./_launch/monitor_args.ts";
import { powerDown } from "./_launch/power_down.ts";
import { messageOf } from "./_wire/failure.ts";
import { QMPClient } from "./client.ts";
import type { AnySchema, QMPSchema } from "./schema.ts";

export type * from "./mod.ts";

/** Options of {@linkcode launch}. */
export interface LaunchOptions<S extends QMPSchema = AnySchema>
  extends WaitOptions {
  /**
   * The program: a QEMU system emulator, or `qemu-storage-daemon`.
   *
   * @default {"qemu-system-x86_64"}
   */
  program?: string | undefined;
  /**
   * Its arguments. The arguments for the control socket are added at the end.
   * `-daemonize` is refused: the program would go on out of reach.
   *
   * @default {[]}
   */
  args?: readonly string[] | undefined;
  /**
   * Variables that are added to this process's environment.
   *
   * @default {{}}
   */
  env?: Record<string, string> | undefined;
  /**
   * The program's working folder.
   *
   * @default {Deno.cwd()}
   */
  cwd?: string | URL | undefined;
  /**
   * The program's standard input, as in `Deno.Command`.
   *
   * @default {"null"}
   */
  stdin?: "piped" | "inherit" | "null" | undefined;
  /**
   * The program's standard output, as in `Deno.Command`. A pipe that is not read
   * can block the program.
   *
   * @default {"null"}
   */
  stdout?: "piped" | "inherit" | "null" | undefined;
  /**
   * The client to connect, which is `idle`. Without it, one is made.
   *
   * @default {undefined}
   */
  client?: QMPClient<S> | undefined;
  /**
   * How long the program may take until its session is established, in
   * milliseconds.
   *
   * @default {30000}
   */
  startTimeout?: number | undefined;
  /**
   * How long the program may take to end, in milliseconds: after `quit`, and
   * again after each of the signals that follow it.
   *
   * @default {5000}
   */
  endTimeout?: number | undefined;
}

/** Options of {@linkcode LaunchedProcess.powerOff}. */
export interface PowerOffOptions extends WaitOptions {
  /**
   * How long the guest may take to shut down, in milliseconds.
   *
   * @default {60000}
   */
  timeout?: number | undefined;
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
  /**
   * Writes to the program's standard input. Disposal closes it, unless it is
   * locked.
   *
   * @throws {TypeError} The option `stdin` was not `"piped"`.
   */
  readonly stdin: WritableStream<Uint8Array>;
  /**
   * Reads the program's standard output. Disposal cancels it, unless it is
   * locked.
   *
   * @throws {TypeError} The option `stdout` was not `"piped"`.
   */
  readonly stdout: ReadableStream<Uint8Array>;
  /** The last 16 Ki characters of the program's standard error. */
  readonly stderr: string;
  /** A private folder with the control socket in it. Disposal removes it. */
  readonly folder: string;
  /**
   * Presses the power button, waits until the guest has shut down, and ends the
   * program as a disposal does. If the guest does not shut down in time, or has
   * no power button, the program is ended in this way at once.
   *
   * @returns Whether the guest has shut down by itself.
   * @throws {TypeError} `timeout` is not a number.
   * @throws {RangeError} `timeout` is negative.
   * @throws The signal's reason, if it is aborted before the guest has shut
   * down. The program goes on then.
   */
  powerOff(options?: PowerOffOptions): Promise<boolean>;
  /**
   * Ends the program by `quit`, or else by SIGTERM, or else by SIGKILL. The
   * client is idle then, and the folder is removed.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts QEMU, or its storage daemon, with a control socket in a private folder,
 * and resolves when a client is connected to it. The program connects and this
 * process listens: there is no start-up race.
 *
 * If this fails, the process has ended and nothing is left.
 *
 * If this process ends without a disposal, by a signal, by `Deno.exit()` or by
 * an uncaught error, the program is ended by SIGTERM, or after `endTimeout` by
 * SIGKILL, and the folder is removed. A small `sh` process beside the program
 * does this, and needs `--allow-run=sh`. Without this permission, or if the `sh`
 * is killed too, the program may go on. The next launch of the same user removes
 * the folder.
 *
 * With the `sh`, signals of the terminal, such as Ctrl-C, reach this process
 * alone: a listener to SIGINT can power the guest off.
 *
 * It needs `--allow-run` for the program, `--allow-net`, and `--allow-read
 * --allow-write` for the folder of temporary files.
 *
 * @throws {Deno.errors.NotFound} The program is not on the PATH, or `cwd` does
 * not exist.
 * @throws {TypeError} A time is not a number, or `args` has `-daemonize`.
 * @throws {RangeError} A time is negative, or the path of the
 * folder of temporary files is too long for a socket in it.
 * @throws {StateError} The client is not idle. Nothing has changed.
 * @throws {ConnectError} There is no session. If the program has ended, the
 * message has its standard error.
 * @throws The signal's reason, if it is aborted.
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
 *
 * @example A serial console on standard input and output
 * ```ts ignore
 * import { launch } from "@parley/parley/qmp/launch";
 *
 * await using vm = await launch({
 *   args: ["-m", "512", "-display", "none", "-serial", "stdio", "disk.raw"],
 *   stdin: "inherit",
 *   stdout: "piped",
 * });
 * const showing = vm.stdout.pipeTo(Deno.stdout.writable, { preventClose: true });
 * await vm.client.events.next("GUEST_PANICKED");
 * await vm.powerOff({ timeout: 30_000 });
 * await showing;
 * ```
 *
 * @example A file descriptor for the program
 * ```ts ignore
 * import { launch } from "@parley/parley/qmp/launch";
 *
 * // Deno passes on no descriptors but 0, 1 and 2, so a shell opens the file.
 * // QMP's `getfd` and `add-fd` need SCM_RIGHTS, which Deno does not have.
 * const script = 'exec 3<>disk.raw; exec qemu-system-x86_64 "$@"';
 * await using vm = await launch({
 *   program: "sh",
 *   args: ["-c", script, "sh", "-add-fd", "fd=3,set=1,opaque=disk"],
 * });
 * await vm.client.execute("blockdev-add", {
 *   driver: "file",
 *   "node-name": "disk",
 *   filename: "/dev/fdset/1",
 * });
 * ```
 */
export async function launch<S extends QMPSchema = AnySchema>(
  options: LaunchOptions<S> = {},
): Promise<LaunchedProcess<S>> {
  const {
    program = "qemu-system-x86_64",
    args = [],
    env,
    cwd,
    stdin = "null",
    stdout = "null",
    client = new QMPClient<S>(),
    startTimeout = 30_000,
    endTimeout = 5_000,
    signal,
  } = options;
  checkNumber("startTimeout", startTimeout, 0, Infinity);
  checkNumber("endTimeout", endTimeout, 0, Infinity);
  const daemonize = args.find((arg) => /^--?daemonize$/.test(arg));
  if (daemonize !== undefined) {
    throw new TypeError(
      `Cannot launch ${program}: args has ${daemonize}, with which the program would go on out of reach`,
    );
  }
  signal?.throwIfAborted();
  const { runstate } = client;
  if (runstate !== Runstate.IDLE) {
    const message =
      `Cannot launch with a client that is ${runstate}: it must be idle`;
    throw new StateError(message, runstate, Runstate.IDLE);
  }
  await using cleanup = new AsyncDisposableStack();
  const { path: folder } = cleanup.use(await makeFolder());
  const path = `${folder}/qmp`;
  await using listener = await unix({ path }).listen();
  const keeper = await startKeeper(denoSystem, { timeout: endTimeout, folder });
  const dismiss = () => keeper?.dismiss();
  cleanup.defer(dismiss);
  const child = new Child(program, {
    args: [...args, ...monitorArgs(program, path)],
    env: env ?? {},
    stdin,
    stdout,
    // The keeper ends it when a signal of the terminal has ended this process.
    detached: keeper !== undefined,
    ...(cwd === undefined ? {} : { cwd }),
  });
  cleanup.defer(() => child.end(client, endTimeout));
  await keeper?.keep(child.pid);
  // From then on, another process may have this number.
  child.status.then(dismiss);

  const giveUp = new AbortController();
  const late = new DOMException(`${startTimeout} ms passed`, "TimeoutError");
  const timer = startTimer(() => giveUp.abort(late), startTimeout);
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
  return new Launched(child, client, folder, cleanup.move());
}

class Launched<S extends QMPSchema> implements LaunchedProcess<S> {
  readonly client: QMPClient<S>;
  readonly folder: string;
  readonly #child: Child;
  readonly #owned: AsyncDisposableStack;
  #ended: Promise<void> | undefined;

  constructor(
    child: Child,
    client: QMPClient<S>,
    folder: string,
    owned: AsyncDisposableStack,
  ) {
    this.client = client;
    this.folder = folder;
    this.#child = child;
    this.#owned = owned;
  }

  get pid(): number {
    return this.#child.pid;
  }
  get status(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }
  get stdin(): WritableStream<Uint8Array> {
    return this.#child.stdin;
  }
  get stdout(): ReadableStream<Uint8Array> {
    return this.#child.stdout;
  }
  get stderr(): string {
    return this.#child.stderr;
  }

  async powerOff(
    { timeout = 60_000, signal }: PowerOffOptions = {},
  ): Promise<boolean> {
    checkNumber("timeout", timeout, 0, Infinity);
    const { client } = this;
    const done = await powerDown({ client, timeout, signal });
    await this[Symbol.asyncDispose]();
    return done;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#ended ??= this.#owned.disposeAsync();
  }
}
