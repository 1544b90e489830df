import type { QMPClient } from "@parley/parley";

type Job = { "current-progress": number; "total-progress": number };

/** Shows how far the only job of a server is: 100 % if the server has none. */
export async function showProgress(client: QMPClient): Promise<void> {
  const [job] = await client.execute("query-jobs") as Job[];
  const share = job ? job["current-progress"] / job["total-progress"] : 1;
  const bar = `${"#".repeat(40 * share).padEnd(40, ".")} ${share * 100 | 0} %`;
  Deno.stdout.writeSync(new TextEncoder().encode(`\r${bar}`));
}
