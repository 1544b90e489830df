import type { ChildProcess } from "../_system/child_process.ts";
import type { System } from "../_system/system.ts";
import { systemErrors } from "../_util/system_errors.ts";

/**
 * Ends a process when this one has ended, and then removes a folder, if any. Its
 * input is a pipe from this process. However this process ends, the system closes
 * the pipe. A line means that there is nothing left to do.
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
pid=$1
read -r line && exit
gone "$2" || kill -TERM "$pid"
gone "$3" || kill -KILL "$pid"
[ -z "$4" ] || rm -rf -- "$4"
`;

/** A process that ends another process when this one has ended. */
export interface Keeper {
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
 * Starts a keeper, if the system has `sh` and this process may run it.
 *
 * @param pid The process to end.
 */
export async function startKeeper(
  system: System,
  pid: number,
  { patience = 0, timeout, folder = "" }: KeeperOptions,
): Promise<Keeper | undefined> {
  if (!system.isGranted({ name: "run", command: "sh" })) return undefined;
  const times = [seconds(patience), seconds(timeout)];
  const args = ["-c", SCRIPT, "sh", `${pid}`, ...times, folder];
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
  let dismissed: Promise<void> | undefined;
  return { dismiss: () => dismissed ??= dismiss(process) };
}

function seconds(milliseconds: number): string {
  return `${Math.ceil(Math.min(milliseconds, 2 ** 31) / 1000)}`;
}

async function dismiss(process: ChildProcess): Promise<void> {
  try {
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n"));
    await writer.close();
  } catch {
    // Somebody else has ended it.
  }
  await process.status;
}
