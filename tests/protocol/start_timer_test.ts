import { assertEquals, assertRejects } from "@std/assert";
import { EndOfStreamError, lines, Peer, serve } from "../../protocol/mod.ts";
import { memory, memoryPair } from "../../transports/mod.ts";
import { turns } from "../support/turns.ts";
import { VirtualTime } from "../support/virtual_time.ts";

// 2 ** 31 ms is more than a timer can wait; silence is looked at in quarters.
for (const limit of [Infinity, 2 ** 31]) {
  Deno.test(`a session has no timer, also while it ends, if its limits of time are ${limit}`, async () => {
    using time = new VirtualTime();
    const [near, far] = memoryPair();
    const peer = new Peer({
      codec: lines,
      handshakeTimeout: limit,
      idleTimeout: limit * 4,
      keepAliveInterval: limit * 4,
      closeTimeout: limit,
    });
    await peer.connect(near);
    // It waits until all is read.
    peer.send("x".repeat(200_000)).catch(() => {});
    const ended = peer.disconnect();
    await turns();
    assertEquals([peer.runstate, time.waiting], ["disconnecting", 0]);
    const into = new Uint8Array(100_000);
    while (await far.read(into) !== null);
    await far.close();
    await ended;
  });

  Deno.test(`a server has no timer, also while it shuts down, if its limits of time are ${limit}`, async () => {
    using time = new VirtualTime();
    const transport = memory();
    const left = Promise.withResolvers<void>();
    class Leaving extends Peer<string> {
      protected override onShutdown(): Promise<void> {
        return left.promise;
      }
    }
    const server = serve(
      await transport.listen(),
      () => new Leaving({ codec: lines }),
      { idleTimeout: limit * 4, shutdownTimeout: limit },
    );
    const client = new Peer({ codec: lines });
    await client.connect(transport);
    await turns();
    const shutdown = server.shutdown();
    await turns();
    assertEquals([server.sessions.size, time.waiting], [1, 0]);
    left.resolve();
    await shutdown;
    await assertRejects(() => client.disconnect(), EndOfStreamError);
  });
}
