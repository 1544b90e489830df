/**
 * Tells what a virtual machine is doing.
 *
 * deno run --allow-net --allow-read --allow-write examples/qmp_status.ts unix:/run/vm.sock
 */
import { parseTransport, QMPClient } from "@parley/parley";

/** What is used here of what QEMU knows; `qmp/generate.ts` writes all of it. */
interface Schema {
  commands: {
    "query-name": { arguments: object; returns: { name?: string } };
    "query-status": { arguments: object; returns: { status: string } };
  };
  events: object;
}

const [address = "unix:/run/vm.sock"] = Deno.args;
await using client = new QMPClient<Schema>();
await client.connect(parseTransport(address));
const { name = address } = await client.execute("query-name");
const { status } = await client.execute("query-status");
console.log(`${name} is ${status}`);
