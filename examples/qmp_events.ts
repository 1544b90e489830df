/**
 * Prints the events of virtual machines, until the last of them ends.
 *
 * deno run --allow-net --allow-read --allow-write examples/qmp_events.ts unix:/run/a.sock unix:/run/b.sock
 */
import { mergeEvents, parseTransport, QMPClient } from "@parley/parley";
import { commandLine } from "./support/command_line.ts";

const addresses = commandLine("ADDRESS...");
await using clients = new AsyncDisposableStack();
const watched = addresses.map((name) => clients.use(new QMPClient({ name })));
using events = mergeEvents(watched);
for (const [index, address] of addresses.entries()) {
  await watched[index]?.connect(parseTransport(address));
  console.log(address, "is watched");
}
for await (const { from, event, data } of events) {
  // A name with escape sequences could act on the terminal.
  console.log(from.name, event.replace(/\W/g, "?"), data ?? {});
}
