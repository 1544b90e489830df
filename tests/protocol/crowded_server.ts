// An echo server over TCP for a process that may open few files: it prints its
// port, and then a line for each accept that fails.
import { configure } from "@logtape/logtape";
import { jsonLines, Peer, serve } from "../../protocol/mod.ts";
import { tcp } from "../../transports/mod.ts";

class Echo extends Peer<unknown> {
  protected override onMessage(message: unknown): Promise<void> {
    return this.send(message);
  }
}

// Half a second after its start, Deno listens for a signal, and panics if the
// pipe for signals, which the first listener makes, finds no descriptor.
Deno.addSignalListener("SIGUSR2", () => {});

await configure({
  sinks: { stdout: ({ message }) => console.log(message.join("")) },
  loggers: [
    {
      category: ["parley", "protocol", "serve"],
      sinks: ["stdout"],
      lowestLevel: "warning",
    },
    { category: ["logtape", "meta"], sinks: ["stdout"], lowestLevel: "error" },
  ],
});
const listener = await tcp({ port: 0 }).listen();
const server = serve(listener, () => new Echo({ codec: () => jsonLines() }));
console.log("port" in server.addr && server.addr.port);
