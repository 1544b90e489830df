/**
 * Copies a disk, given by its node-name, into a new file, with a progress bar.
 *
 * deno run --allow-net --allow-read --allow-write examples/qmp_backup.ts unix:/run/vm.sock disk copy.raw
 */
import { parseTransport, QMPClient, runJob } from "@parley/parley";
type Job = { "current-progress": number; "total-progress": number };
type Disk = { "node-name"?: string; image: { "virtual-size": number } };
const [address = "", device = "", filename = ""] = Deno.args;
await using client = new QMPClient();
await client.connect(parseTransport(address));
const disks = await client.execute("query-named-block-nodes") as Disk[];
const disk = disks.find((disk) => disk["node-name"] === device);
if (!disk) throw new Error(`Cannot copy ${device}: there is no such disk`);
const file = { driver: "file", filename };
const options = { ...file, size: disk.image["virtual-size"] };
await runJob(client, "blockdev-create", { "job-id": "create", options });
await client.execute("blockdev-add", { ...file, "node-name": "copy" });
const args = { "job-id": "backup", device, target: "copy", sync: "full" };
const job = runJob(client, "blockdev-backup", args).then(() => true)
  .finally(() => client.execute("blockdev-del", { "node-name": "copy" }));
for (let done: unknown = false; !done;) {
  done = await Promise.race([job, new Promise((r) => setTimeout(r, 100))]);
  const [at] = await client.execute("query-jobs") as Job[];
  const share = at ? at["current-progress"] / at["total-progress"] : 1;
  const bar = `${"#".repeat(40 * share).padEnd(40, ".")} ${share * 100 | 0} %`;
  Deno.stdout.writeSync(new TextEncoder().encode(`\r${bar}`));
}
console.log();
