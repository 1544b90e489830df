import { CommandError, type QMPClient, QMPServer, unix } from "@parley/parley";

/** A server in place of QEMU, in a private folder. */
export interface StandIn extends AsyncDisposable {
  readonly folder: string;
}

/** Serves like QEMU over a Unix socket in a private folder, and connects to it. */
export async function standIn(
  client: QMPClient,
  options: { signal: AbortSignal },
): Promise<StandIn> {
  await using cleanup = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "parley-" });
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const server = cleanup.use(makeServer());
  const transport = unix({ path: `${folder}/qmp` });
  server.serve(await transport.listen(options));
  await client.connect(transport, options);
  const owned = cleanup.move();
  return { folder, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function makeServer(): QMPServer {
  let status = "prelaunch";
  return new QMPServer({
    version: {
      qemu: { major: 10, minor: 0, micro: 0 },
      package: "Parley's stand-in",
    },
    commands: {
      "query-status": () => ({ status, running: status === "running" }),
      cont: async (_, { server }) => {
        status = "running";
        await server.emit("RESUME");
      },
      stop: async (_, { server }) => {
        status = "paused";
        await server.emit("STOP");
      },
      device_del: {
        arguments: { id: "str" },
        run: ({ id }) => {
          throw new CommandError("DeviceNotFound", `Device '${id}' not found`);
        },
      },
      quit: async (_, { server }) => {
        const data = { guest: false, reason: "host-qmp-quit" };
        await server.emit("SHUTDOWN", data);
        server.close().catch(() => {});
      },
    },
  });
}
