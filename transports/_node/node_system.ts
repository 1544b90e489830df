import process from "node:process";
import type { System } from "../_system/system.ts";
import { systemErrors } from "../_util/system_errors.ts";
import { connectSocket } from "./connect_socket.ts";
import { NetListener } from "./net_listener.ts";
import { nodeFiles } from "./node_files.ts";
import { spawnProcess } from "./spawn_process.ts";

/** The modules of Node, which Bun and Deno have too. */
export const nodeSystem: System = {
  files: nodeFiles,
  connectTcp: ({ hostname, port }, signal) =>
    connectSocket({ host: hostname, port }, signal),
  listenTcp: async ({ hostname, port, reusePort }) => {
    if (reusePort) checkReusePort();
    return await NetListener.listen({ host: hostname, port, reusePort });
  },
  connectUnix: (path) => connectSocket({ path }),
  listenUnix: (path) => NetListener.listen({ path }),
  spawn: spawnProcess,
  isGranted: () => true,
  onExit: (act) => process.on("exit", act),
};

/** Node before 23.1 ignores the option. */
function checkReusePort(): void {
  const { node } = process.versions;
  const [major = 0, minor = 0] = node.split(".").map(Number);
  if (major > 23 || major === 23 && minor >= 1) return;
  throw new systemErrors.NotSupported(
    `reusePort is true, expected Node 23.1 or later with it, this is ${node}`,
  );
}
