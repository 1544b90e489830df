import { type QMPClient, runJob } from "../../../qmp/mod.ts";
import { event, type Message } from "./qmp_script.ts";

/** The size of a disk, in bytes. */
export const DISK_SIZE = 2 ** 20;

/** The event of a job that has changed to a status. */
export function statusChange(id: string, status: string): Message {
  return event("JOB_STATUS_CHANGE", { id, status });
}

/** Creates an empty disk in the folder, and adds it as a node of its name. */
export async function addDisk(
  client: QMPClient,
  folder: string,
  name: string,
): Promise<void> {
  const file = { driver: "file", filename: `${folder}/${name}` };
  const options = { ...file, size: DISK_SIZE };
  await runJob(client, "blockdev-create", { "job-id": name, options });
  await client.execute("blockdev-add", { ...file, "node-name": name });
}
