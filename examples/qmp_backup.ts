/**
 * Copies a disk, given by its node-name, into a new file, with a progress bar.
 *
 * deno run --allow-net --allow-read --allow-write examples/qmp_backup.ts unix:/run/vm.sock disk copy.raw
 */
import { parseTransport, QMPClient, runJob } from "@parley/parley";
import { commandLine } from "./support/command_line.ts";
import { showProgress } from "./support/show_progress.ts";
type Disk = { "node-name"?: string; image: { "virtual-size": number } };
const [at = "", device = "", filename = ""] = commandLine("ADDRESS DISK FILE");
await using client = new QMPClient();
await client.connect(parseTransport(at));
const disks = await client.execute("query-named-block-nodes") as Disk[];
const disk = disks.find((disk) => disk["node-name"] === device);
if (!disk) throw new Error(`Cannot copy ${device}: there is no such disk`);
const file = { driver: "file", filename };
const options = { ...file, size: disk.image["virtual-size"] };
await runJob(client, "blockdev-create", { "job-id": "create", options });
const copy = { "node-name": "copy" };
await client.execute("blockdev-add", { ...file, ...copy });
await using added = new AsyncDisposableStack();
added.defer(() => client.execute("blockdev-del", copy) as Promise<void>);
const args = { "job-id": "backup", device, target: "copy", sync: "full" };
const job = runJob(client, "blockdev-backup", args).then(() => true);
for (let done: unknown = false; !done;) {
  done = await Promise.race([job, new Promise((r) => setTimeout(r, 100))]);
  await showProgress(client);
}
console.log();
