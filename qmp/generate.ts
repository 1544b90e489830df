/**
 * Writes the types of a live server's commands and events, for
 * `QMPClient<Schema>`:
 *
 * ```sh
 * deno run --allow-net --allow-read --allow-write qmp/generate.ts \
 *   unix:/run/vm.sock > schema.ts
 * ```
 *
 * @module
 */
import { ParleyError } from "../protocol/errors.ts";
import { parseTransport } from "../transports/parse_transport.ts";
import type { Transport } from "../transports/transport.ts";
import { readSchema } from "./_schema/read_schema.ts";
import { typescriptOf } from "./_schema/typescript.ts";
import { printableText } from "./_shell/printable_text.ts";
import { StandardOutput } from "./_shell/standard_output.ts";
import { versionText } from "./_shell/version_text.ts";
import { messageOf } from "./_wire/failure.ts";
import { QMPClient } from "./client.ts";

const USAGE = `Usage: qmp/generate.ts ADDRESS > schema.ts

Asks a QMP server for its commands and events, and writes them to the standard
output as the TypeScript type Schema, for QMPClient<Schema>.

ADDRESS is unix:path, tcp://host:port or tls://host:port.

Exit code: 0 done, 2 wrong usage, 3 the server cannot be asked, 141 the output
cannot be written.`;

/** How long the server may take to answer, in milliseconds. */
const TIMEOUT_MS = 30_000;

/** The types of a server's commands and events. */
async function generate(transport: Transport): Promise<string> {
  await using client = new QMPClient();
  await client.connect(transport);
  const options = { timeout: TIMEOUT_MS };
  const answer = await client.execute("query-qmp-schema", {}, options);
  const version = versionText(client.greeting);
  return typescriptOf(readSchema(answer), `The schema of QEMU ${version}.`);
}

async function main(args: readonly string[]): Promise<number> {
  const [address] = args;
  if (address === "--help" || address === "-h") {
    console.log(USAGE);
    return 0;
  }
  let transport: Transport;
  try {
    if (address === undefined || args.length > 1) {
      const count = args.length;
      throw new TypeError(
        `Cannot connect: ${count} addresses, expected one: see --help`,
      );
    }
    transport = parseTransport(address);
  } catch (error) {
    return fail(2, error);
  }
  try {
    const output = new StandardOutput();
    output.out((await generate(transport)).trimEnd());
    return output.gone.aborted ? 141 : 0; // a shell's code for SIGPIPE
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    return fail(3, error);
  }
}

function fail(code: number, error: unknown): number {
  console.error(printableText(messageOf(error)));
  return code;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
