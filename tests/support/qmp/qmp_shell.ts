import { type Outcome, runDeno } from "../program.ts";
import { TestTerminal } from "../terminal.ts";

const program = new URL("../../../qmp/shell.ts", import.meta.url).pathname;
const flags = ["--no-prompt", "--allow-net", "--allow-read", "--allow-write"];

/** Runs the shell with these arguments, on a server if one is given. */
export async function runShell(
  args: string[],
  server?: { transport: unknown },
  input?: string,
): Promise<Outcome> {
  const address = server ? [String(server.transport)] : [];
  return await runDeno(["run", ...flags, program, ...args, ...address], input);
}

/** Starts the shell on a server, with pipes in place of a terminal. */
export function spawnShell(server: { transport: unknown }): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", ...flags, program, String(server.transport)],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** How `shellInTerminal()` runs the shell. */
export interface ShellInTerminalOptions {
  args?: string;
  /** Matches the text of the terminal when the shell waits for a line. */
  prompt?: RegExp;
  columns?: number;
  /** Sets `NO_COLOR`. */
  noColor?: boolean;
}

/**
 * Runs the shell in a terminal, and waits for its prompt. Its history is in the
 * folder of the server.
 */
export async function shellInTerminal(
  server: { transport: unknown; process: { folder: string } },
  options: ShellInTerminalOptions = {},
): Promise<TestTerminal> {
  const { args = "", prompt = /^qmp> $/m, columns = 80, noColor } = options;
  const env = `env ${noColor ? "NO_COLOR=1" : "-u NO_COLOR"} ` +
    `XDG_STATE_HOME=${server.process.folder}`;
  const allowEnv = "--allow-env=HOME,XDG_STATE_HOME";
  const deno = `${Deno.execPath()} run ${flags.join(" ")} ${allowEnv}`;
  const command = `${env} ${deno} ${program} ${args} ${server.transport}`;
  const terminal = await TestTerminal.run(command, { columns });
  try {
    await terminal.shows(prompt);
    return terminal;
  } catch (error) {
    await terminal[Symbol.asyncDispose]();
    throw error;
  }
}
