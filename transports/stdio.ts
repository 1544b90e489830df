import { ChannelConnection } from "./_channel/connection.ts";
import { Child } from "./_process/child.ts";
import { ProcessChannel } from "./_process/process_channel.ts";
import { denoSystem } from "./_deno/deno_system.ts";
import { osError } from "./_socket/os_error.ts";
import type { System } from "./_system/system.ts";
import {
  checkCommand,
  checkPresent,
  checkType,
  show,
} from "./_util/validate.ts";
import { formatAddress } from "./address.ts";
import type { StdioAddress, Transport } from "./transport.ts";
import { systemErrors } from "./_util/system_errors.ts";

/** The most characters of a command line that an error shows. */
const MAX_SHOWN = 200;

/** Options of {@linkcode stdio}. */
export interface StdioOptions {
  /** The program: a name on the `PATH`, or a path. */
  command: string;
  /**
   * Its arguments.
   *
   * @default {[]}
   */
  args?: readonly string[] | undefined;
  /**
   * The folder that it runs in.
   *
   * @default {the folder of this process}
   */
  cwd?: string | undefined;
  /**
   * Environment variables in addition to those of this process.
   *
   * @default {undefined}
   */
  env?: Readonly<Record<string, string>> | undefined;
  /**
   * Where its standard error goes:
   *
   * - `keep`: the last lines are in the error of a read or a write, if the
   *   process ends with an exit code that is not 0, or by a signal,
   * - `inherit`: to the standard error of this process,
   * - `null`: nowhere.
   *
   * It is always read, so that the process never waits for that.
   *
   * @default {"keep"}
   */
  stderr?: "keep" | "inherit" | "null" | undefined;
}

/**
 * A child process as a transport. Each `connect()` starts the program; we write
 * to its standard input and read from its standard output. It needs
 * `--allow-run=COMMAND`. A child process is connected to, so `listen()` rejects
 * with `Deno.errors.NotSupported`; the other end is {@linkcode ownStdio}.
 *
 * If the process ends with an exit code that is not 0, or by a signal, reads
 * reject with `Deno.errors.UnexpectedEof` and writes with
 * `Deno.errors.BrokenPipe`, whose message says so and has the last lines of
 * stderr.
 *
 * `close()` ends the process's input and waits for the process to end, for 2 s;
 * then for 2 s after SIGTERM; then it sends SIGKILL. A write that is pending has
 * this time to end, and fails then. `abort()` sends SIGKILL at once. `closed`
 * settles when the process has ended after `close()`, after `abort()`, or after
 * both directions have ended: output that nobody has read is kept. If this
 * process ends first, the child's input ends with it; a child that goes on is
 * ended by the same signals, by a small `sh` that waits beside it and needs
 * `--allow-run=sh`.
 *
 * An error shows the first 200 characters of the command line.
 *
 * @throws {TypeError} An option has the wrong type, or `command` is empty.
 *
 * @example A program that gives back what it is sent
 * ```ts
 * import { stdio } from "@parley/parley/transports";
 * import { lines, Peer } from "@parley/parley/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * await using peer = new Peer({ codec: lines });
 * await peer.connect(stdio({ command: "cat" }));
 * await peer.send("hello");
 * assertEquals(await peer.receive(), "hello");
 * ```
 */
export function stdio(options: StdioOptions): Transport<StdioAddress> {
  return stdioOf(denoSystem, options);
}

/** {@linkcode stdio} with the processes of a system. */
export function stdioOf(
  system: System,
  options: StdioOptions,
): Transport<StdioAddress> {
  const { command, args = [], cwd, env, stderr = "keep" } = options;
  checkCommand(command, args);
  if (cwd !== undefined) checkPresent("cwd", cwd);
  for (const [name, value] of Object.entries(env ?? {})) {
    checkType(`env.${name}`, value, "string");
  }
  if (!["keep", "inherit", "null"].includes(stderr)) {
    throw new TypeError(
      `Cannot use the option: stderr is ${
        show(stderr)
      }: it must be "keep", "inherit" or "null"`,
    );
  }
  const address: StdioAddress = { transport: "stdio", command, args };
  const name = nameOf(address);

  return {
    async connect({ signal } = {}) {
      signal?.throwIfAborted();
      try {
        const options = { command, args, cwd, env, stderr };
        const child = await Child.start(system, options);
        const channel = new ProcessChannel(child, name);
        if (signal?.aborted) await channel.abort(signal.reason);
        signal?.throwIfAborted();
        return new ChannelConnection(channel, {
          localAddress: address,
          remoteAddress: address,
        });
      } catch (error) {
        signal?.throwIfAborted();
        throw osError(
          `Connect to ${name}`,
          error,
          `--allow-run=${command}`,
        );
      }
    },
    // deno-lint-ignore require-await -- the error rejects
    async listen() {
      throw new systemErrors.NotSupported(
        `Listen at ${name}: a child process is connected to, ownStdio() is its end`,
      );
    },
    toString: () => formatAddress(address),
  };
}

/** The address as errors call it: a command line may have megabytes. */
function nameOf(address: StdioAddress): string {
  const text = formatAddress(address);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
