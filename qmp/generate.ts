/**
 * Writes the types of what a live server knows, for `QMPClient<Schema>`:
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
import type { SchemaInfo } from "./_schema/schema_info.ts";
import { typescriptOf } from "./_schema/typescript.ts";
import { QMPClient } from "./client.ts";

const USAGE = `Usage: qmp/generate.ts ADDRESS > schema.ts

Asks a QMP server for its commands and events, and writes them to the standard
output as the TypeScript type Schema, for QMPClient<Schema>.

ADDRESS is unix:path, tcp://host:port or tls://host:port.

Exit code: 0 done, 2 wrong usage, 3 the server cannot be asked.`;

/** The types of what a server knows. */
async function generate(transport: Transport): Promise<string> {
  await using client = new QMPClient();
  await client.connect(transport);
  const { qemu, package: packager } = client.greeting?.QMP.version ?? {};
  const version = `${qemu?.major}.${qemu?.minor}.${qemu?.micro}`;
  const infos = await client.execute("query-qmp-schema");
  return typescriptOf(
    infos as SchemaInfo[],
    `What version ${version} knows${packager && `, ${packager}`}.`,
  );
}

async function main(args: readonly string[]): Promise<number> {
  const [address] = args;
  if (address === "--help" || address === "-h") {
    console.log(USAGE);
    return 0;
  }
  let transport: Transport;
  try {
    if (address === undefined || args.length > 1) throw new TypeError(USAGE);
    transport = parseTransport(address);
  } catch (error) {
    return fail(2, error);
  }
  try {
    console.log((await generate(transport)).trimEnd());
    return 0;
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    return fail(3, error);
  }
}

function fail(code: number, error: unknown): number {
  console.error(error instanceof Error ? error.message : error);
  return code;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
