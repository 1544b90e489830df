import { assert, assertEquals } from "@std/assert";
import { atOnce } from "../support/protocol/reconnected.ts";
import { QMPClient, reconnecting } from "../../qmp/mod.ts";
import { memory } from "../../transports/mod.ts";
import { event, Script } from "../support/qmp/qmp_script.ts";

Deno.test("a listener of a reconnection gets the events of every session, in order", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const client = new QMPClient();
  const connection = reconnecting(client, transport, atOnce);
  const all = connection.listen();
  const two = connection.listen(["TWO", "FOUR"]);
  for (const names of [["ONE", "TWO"], ["THREE", "FOUR"]] as const) {
    const server = await Script.over(await listener.accept());
    server.send(event(names[0])); // before the greeting
    await server.shakeHands();
    server.send(event(names[1]));
    await two.next();
    await server.end();
  }
  assertEquals(all.closed, false);
  await connection[Symbol.asyncDispose]();
  assertEquals(
    (await Array.fromAsync(all)).map(({ event }) => event),
    ["ONE", "TWO", "THREE", "FOUR"],
  );
  assert(all.closed);
  await listener.close();
});

Deno.test("a listener of a reconnection is bounded in bytes over all sessions", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const connection = reconnecting(new QMPClient(), transport, atOnce);
  const events = connection.listen(undefined, { maxBytes: 2_000 });
  const text = "x".repeat(800);
  for (const name of ["ONE", "TWO", "THREE", "FOUR"]) {
    const server = await Script.over(await listener.accept());
    server.send(event(name, { text }));
    await server.shakeHands();
    await connection.connected();
    await server.end();
  }
  await connection[Symbol.asyncDispose]();
  assertEquals(events.dropped, 2);
  assertEquals(events.clear().map(({ event }) => event), ["THREE", "FOUR"]);
  await listener.close();
});
