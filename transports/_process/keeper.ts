import type { ChildProcess } from "../_system/child_process.ts";
import type { System } from "../_system/system.ts";
import { kill } from "./kill.ts";
import { systemErrors } from "../_util/system_errors.ts";

/**
 * Ends a process when this one has ended, and then removes a folder, if any. Its
 * input is a pipe from this process, with the number of the process to end.
 * However this process ends, the system closes the pipe.
 */
const SCRIPT = `
gone() {
  left=$1
  while kill -0 "$pid" && [ "$left" -gt 0 ]; do
    sleep 1
    left=$((left - 1))
  done
  ! kill -0 "$pid"
}
read -r pid
read -r end
if [ -n "$pid" ]; then
  gone "$1" || kill -TERM "$pid"
  gone "$2" || kill -KILL "$pid"
fi
[ -z "$3" ] || rm -rf -- "$3"
`;

/** A process that ends another process when this one has ended. */
export interface Keeper {
  /** Names the process to end, at once. It never rejects. */
  keep(pid: number): Promise<void>;
  /** Ends the keeper alone. It never rejects. */
  dismiss(): Promise<void>;
}

/** Options of {@linkcode startKeeper}. */
export interface KeeperOptions {
  /** How long the process may take by itself before SIGTERM, in milliseconds. */
  readonly patience?: number;
  /** How long it may take after SIGTERM before SIGKILL, in milliseconds. */
  readonly timeout: number;
  /** A folder to remove after that. */
  readonly folder?: string;
}

/**
 * Starts a keeper, if the system has `sh` and this process may run it. Start it
 * before the process to end: this process may end at any moment.
 */
export async function startKeeper(
  system: System,
  { patience = 0, timeout, folder = "" }: KeeperOptions,
): Promise<Keeper | undefined> {
  if (!system.isGranted({ name: "run", command: "sh" })) return undefined;
  const times = [seconds(patience), seconds(timeout)];
  const args = ["-c", SCRIPT, "sh", ...times, folder];
  let process: ChildProcess;
  try {
    process = await system.spawn("sh", {
      args,
      cwd: "/",
      // What a terminal sends to its processes does not reach it, and Deno does
      // not kill it, as it does with other children after an uncaught error.
      detached: true,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    });
  } catch (error) {
    if (error instanceof systemErrors.NotFound) return undefined;
    throw error;
  }
  const input = process.stdin.getWriter();
  const write = async (text: string) => {
    try {
      await input.write(new TextEncoder().encode(text));
    } catch {
      // Somebody else has ended it.
    }
  };
  // Only the first write to a pipe waits for a turn of the event loop, in which
  // this process could end after the start of the other one. `read` skips blanks.
  await write(" ");
  let dismissed: Promise<void> | undefined;
  return {
    keep: (pid) => write(`${pid}\n`),
    dismiss: () => dismissed ??= dismiss(process, input),
  };
}

function seconds(milliseconds: number): string {
  return `${Math.ceil(Math.min(milliseconds, 2 ** 31) / 1000)}`;
}

async function dismiss(
  process: ChildProcess,
  input: WritableStreamDefaultWriter<Uint8Array>,
): Promise<void> {
  // Its input ends after it: otherwise it would end the program.
  kill(process, "SIGKILL");
  await process.status;
  await input.abort().catch(() => {});
}
