import { assert } from "@std/assert";
import { runDeno } from "./program.ts";

/** When a process is killed that has just started another. */
const MOMENTS = {
  "when it waits": "queueMicrotask(die)",
  "a turn later": "setTimeout(die)",
} as const;

/**
 * Runs a module in a process that is killed at a moment after it has started so
 * many others, and returns the number of the last of these.
 */
export async function killedAtStart(
  moment: keyof typeof MOMENTS,
  count: number,
  module: string,
): Promise<number> {
  const args = ["run", "--quiet", "--no-prompt", "--allow-all", "-"];
  const { stdout, stderr } = await runDeno(
    args,
    `
    const { spawn } = Deno.Command.prototype;
    const die = () => Deno.kill(Deno.pid, "SIGKILL");
    let started = 0;
    Deno.Command.prototype.spawn = function () {
      const child = spawn.call(this);
      if (++started === ${count}) {
        console.log(child.pid);
        ${MOMENTS[moment]};
      }
      return child;
    };
    ${module}`,
  );
  const pid = Number(stdout);
  assert(pid > 0, stderr);
  return pid;
}
