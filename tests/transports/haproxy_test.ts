import { assertEquals, assertMatch } from "@std/assert";
import { lines, Peer } from "../../protocol/mod.ts";
import { formatAddress, tcp } from "../../transports/mod.ts";
import { freePort } from "../support/free_port.ts";
import { needs, RealProcess } from "../support/real_process.ts";

/** Starts a server of ours, and gives its process and its port. */
async function startServer(): Promise<[RealProcess, string]> {
  const process = await RealProcess.start({
    program: Deno.execPath(),
    args: () => {
      const server = new URL("proxied_server.ts", import.meta.url).pathname;
      return ["run", "--allow-net", server];
    },
    ready: /^listening at port (\d+)/,
    log: "stdout",
  });
  const [, port = ""] = await process.ready();
  return [process, port];
}

/** Starts HAProxy in front of servers that answer its health checks. */
async function startHaproxy(
  port: number,
  servers: string[],
  how: string,
): Promise<RealProcess> {
  const process = await RealProcess.start({
    program: "haproxy",
    args: async (folder) => {
      await Deno.writeTextFile(
        `${folder}/haproxy.cfg`,
        [
          "defaults",
          "  mode tcp",
          "  timeout connect 5s",
          "  timeout client 60s",
          "  timeout server 60s",
          "  log stdout format raw local0",
          "  option log-health-checks",
          "  option tcp-check",
          "  tcp-check send health\\n",
          // A check names no hosts, so the addresses are the socket's own.
          `  tcp-check expect rstring 'healthy.*:(${servers.join("|")})"}'`,
          "listen front",
          `  bind 127.0.0.1:${port}`,
          "  balance roundrobin",
          `  default-server ${how} check inter 100ms`,
          ...servers.map((port, at) => `  server s${at} 127.0.0.1:${port}`),
          "",
        ].join("\n"),
      );
      return ["-db", "-f", `${folder}/haproxy.cfg`];
    },
    // It listens before its first check.
    ready: /^Health check for server front.* (succeeded|failed)/,
    log: "stdout",
  });
  try {
    const [line, outcome] = await process.ready();
    assertEquals(outcome, "succeeded", line);
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
  return process;
}

for (const how of ["send-proxy", "send-proxy-v2"]) {
  Deno.test({
    name:
      `behind HAProxy with ${how}, two servers see the addresses of clients, and answer its health checks`,
    ...needs("haproxy"),
    async fn() {
      const [one, first] = await startServer();
      await using _one = one;
      const [two, second] = await startServer();
      await using _two = two;
      const port = freePort();
      await using _haproxy = await startHaproxy(port, [first, second], how);

      const pids = new Set<number>();
      for (let i = 0; i < 4; i++) {
        await using connection = await tcp({ port }).connect();
        await using client = new Peer({ codec: lines });
        await client.connect(connection);
        await client.send("who am I?");
        const { pid, ...ends } = JSON.parse(await client.receive());
        pids.add(pid);
        assertEquals(ends, {
          remote: formatAddress(connection.localAddress),
          local: `tcp://127.0.0.1:${port}`,
        });
      }
      assertEquals(pids, new Set([one.pid, two.pid]));
      for (const { log } of [one, two]) {
        assertMatch(log, /^listening at port \d+$/, "nothing has failed");
      }
    },
  });
}
