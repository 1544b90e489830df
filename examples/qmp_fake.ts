/**
 * A stand-in for QEMU, for tests of programs that talk to QEMU.
 *
 * deno run --allow-net --allow-read --allow-write examples/qmp_fake.ts unix:/tmp/fake.sock
 */
import { CommandError, parseTransport, QMPServer } from "@parley/parley";
import { commandLine } from "./support/command_line.ts";

const [address = "unix:/tmp/fake.sock"] = commandLine("[ADDRESS]");
let status = "running";
const server = new QMPServer({
  commands: {
    "query-status": () => ({ status, running: status === "running" }),
    stop: (_, { server }) => {
      status = "paused";
      return server.emit("STOP");
    },
    device_del: {
      arguments: { id: "str" },
      run: ({ id }) => {
        throw new CommandError("DeviceNotFound", `Device '${id}' not found`);
      },
    },
  },
});
const listener = await parseTransport(address).listen();
console.log("Listening at", address);
await server.serve(listener).closed; // until a client says quit
