/**
 * Prints the state of a virtual machine.
 *
 * deno run --allow-net --allow-read --allow-write examples/qmp_status.ts unix:/run/vm.sock
 */
import { parseTransport, QMPClient } from "@parley/parley";
import { commandLine } from "./support/command_line.ts";

/** The commands that are used here; `qmp/generate.ts` writes types of all. */
interface Schema {
  commands: {
    "query-name": { arguments: object; returns: { name?: string } };
    "query-status": { arguments: object; returns: { status: string } };
  };
  events: object;
}

const [address = "unix:/run/vm.sock"] = commandLine("[ADDRESS]");
await using client = new QMPClient<Schema>();
await client.connect(parseTransport(address));
const { name = address } = await client.execute("query-name");
const { status } = await client.execute("query-status");
// A text with escape sequences could act on the terminal.
console.log(`${name} is ${status}`.replace(/\p{C}/gu, "?"));
