import {
  type QMPClient,
  type QMPEvent,
  runJob,
  waitForJob,
} from "../../../qmp/mod.ts";
import {
  event,
  type Message,
  runningClient,
  type Script,
} from "./qmp_script.ts";

/** The size of a disk, in bytes. */
export const DISK_SIZE = 2 ** 20;

/** The event of a job that has changed to a status. */
export function statusChange(id: string, status: string): Message {
  return event("JOB_STATUS_CHANGE", { id, status });
}

/** A client that waits for the job `job`, and its query that is not answered yet. */
export interface WaitingClient {
  client: QMPClient;
  server: Script;
  waiting: Promise<QMPEvent | undefined>;
  query: Message;
  /** The statuses that the client was told of. */
  statuses: string[];
}

/** Waits for the job `job` at a server that sends what a test says. */
export async function waitingClient(): Promise<WaitingClient> {
  const { client, server } = await runningClient();
  const statuses: string[] = [];
  const onStatus = (status: string) => statuses.push(status);
  const waiting = waitForJob(client, "job", { onStatus });
  const query = await server.command();
  return { client, server, waiting, query, statuses };
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
