/**
 * A shell for QMP: commands from the terminal, from a script, or from the
 * command line. `--help` tells more.
 *
 * ```sh
 * deno run --allow-net --allow-read --allow-write \
 *   --allow-env=HOME,XDG_STATE_HOME qmp/shell.ts unix:/run/vm.sock
 * ```
 *
 * @module
 */
import { ParleyError } from "../protocol/errors.ts";
import type { SchemaInfo } from "./_schema/schema_info.ts";
import { Conversation } from "./_shell/conversation.ts";
import type { Dialect } from "./_shell/dialect.ts";
import { Guide } from "./_shell/guide.ts";
import { humanCommand, HumanDialect } from "./_shell/human_dialect.ts";
import { interact } from "./_shell/interact.ts";
import { linesOf } from "./_shell/lines_of.ts";
import {
  parseOptions,
  type ShellOptions,
  USAGE,
  UsageError,
} from "./_shell/options.ts";
import {
  JSONOutput,
  type Output,
  type Sink,
  TextOutput,
} from "./_shell/output.ts";
import { QMPDialect } from "./_shell/qmp_dialect.ts";
import { LineError } from "./_shell/words.ts";
import { QMPClient } from "./client.ts";
import { ExecuteError } from "./errors.ts";

/** Runs the shell, and gives its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const client = new QMPClient({ name: "shell" });
  try {
    const options = parseOptions(args);
    if (options) {
      await client.connect(options.transport);
      return await talk(client, options);
    }
    console.log(USAGE);
    return 0;
  } catch (error) {
    if (error instanceof ParleyError) return fail(3, error.message);
    if (error instanceof LineError) return fail(2, error.message);
    if (!(error instanceof UsageError)) throw error;
    return fail(2, `${error.message}: see --help`);
  } finally {
    await client.disconnect().catch(() => {}); // It has been told of already.
  }
}

async function talk(client: QMPClient, options: ShellOptions): Promise<number> {
  const dialect = await dialectFor(client, options);
  const { command, json } = options;
  const interactive = command === undefined && Deno.stdin.isTerminal() &&
    Deno.stdout.isTerminal();
  const outputTo = (sink: Sink): Output =>
    json ? new JSONOutput(sink) : new TextOutput(sink, {
      pretty: options.pretty ?? interactive,
      colours: Deno.stdout.isTerminal() && !Deno.noColor,
    });
  if (interactive) {
    const welcome = welcomeTo(client, options);
    return await interact(client, { dialect, welcome, outputTo }) ? 0 : 130;
  }
  const output = outputTo({ out: console.log, err: console.error });
  const conversation = new Conversation(client, dialect, output);
  if (command !== undefined) {
    return await conversation.executeAll([command]) ? 0 : 1;
  }
  conversation.showEvents();
  return await conversation.executeAll(linesOf(Deno.stdin.readable)) ? 0 : 1;
}

/** What is talked, with what the server tells of it. */
async function dialectFor(
  client: QMPClient,
  { hmp }: ShellOptions,
): Promise<Dialect> {
  const command = hmp ? humanCommand("help") : { execute: "query-qmp-schema" };
  let told: unknown;
  try {
    told = await client.executeMessage(command);
  } catch (error) {
    // A server need not tell: then nothing is completed.
    if (!(error instanceof ExecuteError)) throw error;
  }
  return hmp
    ? new HumanDialect(typeof told === "string" ? told : "")
    : new QMPDialect(new Guide(told as SchemaInfo[] | undefined));
}

function welcomeTo(client: QMPClient, { address }: ShellOptions): string {
  const { qemu, package: packager } = client.greeting?.QMP.version ?? {};
  const version = `${qemu?.major}.${qemu?.minor}.${qemu?.micro}`;
  const server = packager ? `${version}, ${packager},` : version;
  return `Connected to version ${server} at ${address}: Ctrl-D leaves`;
}

function fail(code: number, message: string): number {
  console.error(message);
  return code;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
