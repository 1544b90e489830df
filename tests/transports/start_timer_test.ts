import { assertEquals, assertRejects } from "@std/assert";
import { memory, relay, webSocket } from "../../transports/mod.ts";
import { silent } from "../support/transports/silent_transport.ts";
import { turns } from "../support/turns.ts";
import { VirtualTime } from "../support/virtual_time.ts";

// 2 ** 31 ms is more than a timer can wait.
for (const limit of [Infinity, 2 ** 31]) {
  Deno.test(`a dial of a relay, and a handshake, have no timer if their limit is ${limit}`, async () => {
    using time = new VirtualTime();
    const from = memory();
    await using _relay = await relay(from, silent, { connectTimeout: limit });
    await using waiting = await from.connect();
    const stop = new AbortController();
    const over = memory();
    await using listener = await over.listen();
    const url = "ws://x/";
    const transport = webSocket({ url, over, handshakeTimeout: limit });
    const dialled = transport.connect({ signal: stop.signal });
    await using far = await listener.accept();
    await turns();
    assertEquals(time.waiting, 0);
    stop.abort(new Error("enough"));
    await assertRejects(() => dialled, Error, "enough");
    waiting.abort();
    far.abort();
  });
}
