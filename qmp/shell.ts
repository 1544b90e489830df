/**
 * A shell for QMP: commands from the terminal, from a script, or from the
 * command line. `--help` shows how to use it.
 *
 * ```sh
 * deno run --allow-net --allow-read --allow-write \
 *   --allow-env=HOME,XDG_STATE_HOME qmp/shell.ts unix:/run/vm.sock
 * ```
 *
 * @module
 */
import { ParleyError } from "../protocol/errors.ts";
import { Conversation } from "./_shell/conversation.ts";
import { dialectFor } from "./_shell/dialect_for.ts";
import { hintFor } from "./_shell/hints.ts";
import { interact } from "./_shell/interact.ts";
import { linesOf } from "./_shell/lines_of.ts";
import {
  parseOptions,
  type ShellOptions,
  UsageError,
} from "./_shell/options.ts";
import {
  JSONOutput,
  type Output,
  type Sink,
  TextOutput,
} from "./_shell/output.ts";
import {
  agentPartner,
  monitorPartner,
  type Partner,
} from "./_shell/partner.ts";
import { StandardOutput } from "./_shell/standard_output.ts";
import { USAGE } from "./_shell/usage.ts";
import { versionText } from "./_shell/version_text.ts";
import { LineError } from "./_shell/words.ts";
import { QMPClient } from "./client.ts";

/** The time without a greeting after which a terminal shows a hint. */
const SILENCE_MS = 2_000;

/** Runs the shell, and resolves with its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const standard = new StandardOutput();
  let options: ShellOptions | undefined;
  try {
    options = parseOptions(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    outputFor(undefined, standard).error(`${error.message}: see --help`);
    return 2;
  }
  if (!options) {
    standard.out(USAGE);
    return 0;
  }
  const partner = options.agent ? agentPartner() : monitorPartner();
  const output = outputFor(options, standard);
  try {
    await connect(partner, options, output);
    return await talk(partner, options, output, standard);
  } catch (error) {
    if (standard.gone.aborted) return 141; // a shell's code for SIGPIPE
    const isWrong = error instanceof LineError;
    if (!isWrong && !(error instanceof ParleyError)) throw error;
    output.error(error.message);
    const hint = hintFor(error, options.agent);
    if (hint !== undefined) output.note(hint);
    return isWrong ? 2 : 3;
  } finally {
    await partner.client.disconnect().catch(() => {}); // It is reported above.
  }
}

/** Connects. If there is no answer for a while, a terminal shows a likely reason. */
async function connect(
  { client }: Partner,
  { transport, address, agent }: ShellOptions,
  output: Output,
): Promise<void> {
  const other = agent ? "no agent runs" : "another client is connected";
  const hint = () =>
    output.note(
      `Waiting for an answer from ${address}: perhaps ${other} (Ctrl-C leaves)`,
    );
  const wait = Deno.stderr.isTerminal()
    ? setTimeout(hint, SILENCE_MS)
    : undefined;
  try {
    await client.connect(transport);
  } finally {
    clearTimeout(wait);
  }
}

async function talk(
  partner: Partner,
  options: ShellOptions,
  output: Output,
  standard: StandardOutput,
): Promise<number> {
  const dialect = await dialectFor(partner, options, output);
  const { command } = options;
  if (isInteractive(options)) {
    const left = await interact(partner, {
      dialect,
      welcome: welcomeTo(partner, options),
      outputTo: (sink) => outputFor(options, sink),
    });
    return left ? 0 : 130;
  }
  const conversation = new Conversation(partner, dialect, output);
  const { gone } = standard;
  if (command === undefined) {
    // The end of the session ends the events, and the next command reports it.
    conversation.showEvents().catch(() => {});
  }
  const lines = command === undefined
    ? linesOf(Deno.stdin.readable, partner.client.closed)
    : [command];
  const done = await conversation.executeAll(lines, gone);
  gone.throwIfAborted();
  return done ? 0 : 1;
}

function isInteractive({ command }: ShellOptions): boolean {
  return command === undefined && Deno.stdin.isTerminal() &&
    Deno.stdout.isTerminal();
}

function outputFor(options: ShellOptions | undefined, sink: Sink): Output {
  if (options?.json) return new JSONOutput(sink);
  return new TextOutput(sink, {
    pretty: options?.pretty ??
      (options !== undefined && isInteractive(options)),
    colours: Deno.stdout.isTerminal() && !Deno.noColor,
  });
}

function welcomeTo(
  { client }: Partner,
  { address, hmp }: ShellOptions,
): string {
  const server = client instanceof QMPClient
    ? `version ${versionText(client.greeting)},`
    : "the guest agent";
  const help = hmp
    ? "help lists the commands"
    : "help shows how to type commands";
  return `Connected to ${server} at ${address}\n` +
    `Tab completes, ${help}, Ctrl-D leaves, Ctrl-C at once`;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
