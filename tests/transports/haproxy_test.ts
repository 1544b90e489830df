import { assertEquals, assertMatch } from "@std/assert";
import { lines, Peer } from "../../protocol/mod.ts";
import { formatAddress, tcp } from "../../transports/mod.ts";
import { freePort } from "../support/servers/free_port.ts";
import { needs } from "../support/servers/real_process.ts";
import {
  type RealServer,
  startServer,
} from "../support/servers/real_server.ts";

/** Starts a server of ours. */
async function startOurs(): Promise<RealServer & { port: string }> {
  let port = "";
  const server = await startServer({
    program: Deno.execPath(),
    args: () => {
      const server = new URL("proxied_server.ts", import.meta.url).pathname;
      return ["run", "--allow-net", server];
    },
    ready: /^listening at port (\d+)/,
    log: "stdout",
  }, async (process) => {
    [, port = ""] = await process.ready();
    return tcp({ port: Number(port) });
  });
  return { ...server, port };
}

/** Starts HAProxy in front of servers that answer its health checks. */
function startHaproxy(
  port: number,
  servers: string[],
  how: string,
): Promise<RealServer> {
  return startServer({
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
  }, async (process) => {
    const [line, outcome] = await process.ready();
    assertEquals(outcome, "succeeded", line);
    return tcp({ port });
  });
}

for (const how of ["send-proxy", "send-proxy-v2"]) {
  Deno.test({
    name:
      `behind HAProxy with ${how}, two servers see the addresses of clients, and answer its health checks`,
    ...needs("haproxy"),
    async fn() {
      await using one = await startOurs();
      await using two = await startOurs();
      const port = freePort();
      const ports = [one.port, two.port];
      await using haproxy = await startHaproxy(port, ports, how);

      const pids = new Set<number>();
      for (let i = 0; i < 4; i++) {
        await using connection = await haproxy.transport.connect();
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
      assertEquals(pids, new Set([one.process.pid, two.process.pid]));
      for (const { process } of [one, two]) {
        assertMatch(
          process.log,
          /^listening at port \d+$/,
          "nothing has failed",
        );
      }
    },
  });
}
