/**
 * Shows what happens at virtual machines, until the last of them ends.
 *
 * deno run --allow-net --allow-read --allow-write examples/qmp_events.ts unix:/run/a.sock unix:/run/b.sock
 */
import { parseTransport, QMPClient } from "@parley/parley";
import { mergeReadableStreams } from "@std/streams";

async function* eventsOf(address: string) {
  await using client = new QMPClient();
  await client.connect(parseTransport(address));
  console.log(address, "is watched");
  for await (const { event, data } of client.events) {
    yield [address, event, data ?? {}];
  }
}

const streams = Deno.args.map((one) => ReadableStream.from(eventsOf(one)));
for await (const event of mergeReadableStreams(...streams)) {
  console.log(...event);
}
