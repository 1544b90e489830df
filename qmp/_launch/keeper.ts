import { MAX_TIMEOUT } from "../../protocol/_util/validate.ts";

/**
 * Ends a process when this one has ended, and then removes a folder. Its input
 * is a pipe from this process. However this process ends, the system closes the
 * pipe. A line means that there is nothing left to do.
 */
const SCRIPT = `
read -r line && exit
kill -TERM "$1"
left=$2
while kill -0 "$1" && [ "$left" -gt 0 ]; do
  sleep 1
  left=$((left - 1))
done
kill -KILL "$1"
rm -rf -- "$3"
`;

/** A process that ends another process when this one has ended. */
export interface Keeper {
  /** Ends the keeper alone. It never rejects. */
  dismiss(): Promise<void>;
}

/**
 * Starts a keeper, if the system has `sh` and this process may run it.
 *
 * @param pid The process to end, by SIGTERM and then by SIGKILL.
 * @param timeout How long it may take after SIGTERM, in milliseconds.
 * @param folder A folder to remove after that.
 */
export function startKeeper(
  pid: number,
  timeout: number,
  folder: string,
): Keeper | undefined {
  // Running what is not granted could prompt the user.
  const { state } = Deno.permissions.querySync({ name: "run", command: "sh" });
  if (state !== "granted") return undefined;
  const seconds = Math.ceil(Math.min(timeout, MAX_TIMEOUT) / 1000);
  const args = ["-c", SCRIPT, "sh", String(pid), String(seconds), folder];
  let process: Deno.ChildProcess;
  try {
    process = new Deno.Command("sh", {
      args,
      cwd: "/",
      // What a terminal sends to its processes does not reach it, and Deno does
      // not kill it, as it does with other children after an uncaught error.
      detached: true,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  let dismissed: Promise<void> | undefined;
  return { dismiss: () => dismissed ??= dismiss(process) };
}

async function dismiss(process: Deno.ChildProcess): Promise<void> {
  try {
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n"));
    await writer.close();
  } catch {
    // Somebody else has ended it.
  }
  await process.status;
}
