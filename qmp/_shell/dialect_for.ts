import { ParleyError } from "../../protocol/errors.ts";
import type { SchemaInfo } from "../_schema/schema_info.ts";
import { readSchema } from "../_schema/read_schema.ts";
import { isObject } from "../_wire/client_codec.ts";
import { isTimeout } from "../_wire/failure.ts";
import { ExecuteError } from "../errors.ts";
import type { QMPCommand } from "../messages.ts";
import type { Dialect } from "./dialect.ts";
import { Guide } from "./guide.ts";
import { humanCommand, HumanDialect } from "./human_dialect.ts";
import type { ShellOptions } from "./options.ts";
import type { Output } from "./output.ts";
import type { Partner } from "./partner.ts";
import { QMPDialect } from "./qmp_dialect.ts";

/** How long a server may take to list its commands, in milliseconds. */
const TIMEOUT_MS = 10_000;

/**
 * The dialect for a server, with the commands that the server lists. If it lists
 * none, nothing is completed.
 */
export async function dialectFor(
  partner: Partner,
  { agent, hmp }: ShellOptions,
  output: Output,
): Promise<Dialect> {
  if (hmp) {
    const help = await ask(partner, humanCommand("help"), output);
    return new HumanDialect(typeof help === "string" ? help : "");
  }
  const execute = agent ? "guest-info" : "query-qmp-schema";
  const answer = await ask(partner, { execute }, output);
  if (answer === undefined) return new QMPDialect(new Guide());
  try {
    const infos = agent ? agentInfos(answer) : readSchema(answer);
    return new QMPDialect(new Guide(infos));
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    output.note(`Nothing is completed: ${error.message}`);
    return new QMPDialect(new Guide());
  }
}

/** The answer to a command, or undefined if the server refuses or is too slow. */
async function ask(
  partner: Partner,
  command: QMPCommand,
  output: Output,
): Promise<unknown> {
  try {
    return await partner.execute(command, AbortSignal.timeout(TIMEOUT_MS));
  } catch (error) {
    if (error instanceof ExecuteError) return undefined;
    if (!isTimeout(error)) throw error;
    output.note("Nothing is completed: the server does not list its commands");
    return undefined;
  }
}

/** The commands that an agent supports; their arguments are not known. */
function agentInfos(answer: unknown): SchemaInfo[] {
  const { supported_commands: commands } = Object(answer);
  if (!Array.isArray(commands)) return [];
  return commands.filter(isObject).flatMap(({ name, enabled }) =>
    typeof name === "string" && enabled !== false
      ? [{ name, "meta-type": "command", "arg-type": "", "ret-type": "" }]
      : []
  );
}
