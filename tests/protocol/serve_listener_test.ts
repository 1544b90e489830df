import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { ConnectError, serve } from "../../protocol/mod.ts";
import { type Listener, memory } from "../../transports/mod.ts";
import { changedListener } from "../support/transports/changed_listener.ts";
import { ask, Clients, Echo } from "../support/protocol/echo_server.ts";

/** A listener that fails before it accepts. */
function failing(listener: Listener, errors: Error[]): Listener {
  const accept: Listener["accept"] = async (options) => {
    const error = errors.shift();
    if (error) throw error;
    return await listener.accept(options);
  };
  return changedListener(listener, {
    accept,
    async *[Symbol.asyncIterator]() {
      const error = errors.shift();
      if (error) throw error;
      yield* listener;
    },
  });
}

Deno.test("serve() with a closed listener goes on with its sessions, and ends with the last", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const server = serve(listener, () => new Echo());
  await using clients = new Clients(transport);
  const client = await clients.connect();
  assertEquals(await ask(client, 1), 1);
  await listener.close();
  await assertRejects(() => clients.connect(), ConnectError);
  assertEquals(await ask(client, 2), 2);
  await client.disconnect();
  await server.closed;
});

Deno.test("serve() survives a listener that fails to accept", async () => {
  const transport = memory();
  const errors = [1, 2, 3].map((i) => new Error(`no file descriptor ${i}`));
  await using _server = serve(
    failing(await transport.listen(), errors),
    () => new Echo(),
  );
  await using clients = new Clients(transport);
  const client = await clients.connect();
  assertEquals(await ask(client, 1), 1);
  assertEquals(errors, []);
  await client.disconnect();
});

Deno.test("shutdown() does not wait for a failing accept to be tried again", async () => {
  const transport = memory();
  const failed = Promise.withResolvers<void>();
  const listener = failing(await transport.listen(), []);
  let failures = 0;
  const fail = () => {
    if (++failures === 5) failed.resolve();
    throw new Error("no file descriptor");
  };
  listener.accept = async () => await fail();
  listener[Symbol.asyncIterator] = fail;
  const server = serve(listener, () => new Echo());
  await failed.promise;
  await server.shutdown();
  assertEquals(failures, 5);
});

Deno.test("shutdown() ends even if close() of the listener does not end a pending accept()", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const error = new Error("cannot close");
  const stuck = changedListener(listener, {
    close: () => Promise.reject(error),
  });
  const server = serve(stuck, () => new Echo());
  assertStrictEquals(await server.shutdown().catch((error) => error), error);
  await listener.close();
});

Deno.test("closed and shutdown() reject with the error of a listener that cannot be closed", async () => {
  const transport = memory();
  const listener = await transport.listen();
  const error = new Error("cannot close");
  const stuck = changedListener(listener, {
    close: async () => {
      await listener.close();
      throw error;
    },
  });
  const server = serve(stuck, () => new Echo());
  for (const end of [server.shutdown(), server.closed, server.shutdown()]) {
    assertStrictEquals(await end.catch((error) => error), error);
  }
});
