import { QMPServer } from "../../../qmp/mod.ts";
import type { Transport } from "../../../transports/mod.ts";

/** A QMP server whose `stop` sends STOP, and whose `hang` waits for the end. */
export async function serveStopping(transport: Transport): Promise<QMPServer> {
  const server = new QMPServer({
    commands: {
      stop: (_, { server }) => server.emit("STOP"),
      hang: (_, { signal }) =>
        new Promise((resolve) =>
          signal.addEventListener("abort", () => resolve({}))
        ),
    },
  });
  server.serve(await transport.listen());
  return server;
}
