import { GuestAgentClient } from "../../../qmp/mod.ts";
import { startGuestAgent } from "../servers/qemu.ts";

/** Runs with a client of a real agent, whose guest is this machine. */
export async function withAgent(
  run: (client: GuestAgentClient, folder: string) => Promise<void>,
): Promise<void> {
  await using server = await startGuestAgent();
  await using client = new GuestAgentClient();
  await client.connect(server.transport);
  await run(client, server.process.folder);
}
