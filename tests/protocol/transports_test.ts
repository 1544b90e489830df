import {
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
} from "@std/assert";
import {
  ConnectError,
  delimited,
  EndOfStreamError,
  FlushTimeoutError,
  Peer,
} from "../../protocol/mod.ts";
import {
  type Listener,
  memory,
  parseTransport,
  tcp,
  type Transport,
  unix,
} from "../../transports/mod.ts";
import { jsonPeer, recordRunstates } from "../support/protocol/session.ts";

const folder = Deno.makeTempDirSync();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

/** A listening transport, and the transport that connects to it. */
interface Meeting extends AsyncDisposable {
  listener: Listener;
  dial: Transport;
}

async function meeting(transport: Transport): Promise<Meeting> {
  const listener = await transport.listen();
  const { address } = listener;
  const dial = "port" in address ? tcp(address) : transport;
  return { listener, dial, [Symbol.asyncDispose]: () => listener.close() };
}

let paths = 0;
const transports: Record<string, () => Transport> = {
  memory: () => memory(),
  tcp: () => tcp({ port: 0 }),
  unix: () => unix({ path: `${folder}/${paths++}` }),
};

for (const [name, make] of Object.entries(transports)) {
  Deno.test(`${name}: a good session goes through the four states at both ends`, async () => {
    await using place = await meeting(make());
    const [client, server] = [jsonPeer(), jsonPeer()];
    const states = [recordRunstates(client), recordRunstates(server)];
    await Promise.all([
      client.connect(place.dial),
      server.accept(place.listener),
    ]);
    await client.send({ n: 1 });
    assertEquals(await server[Symbol.asyncIterator]().next(), {
      done: false,
      value: { n: 1 },
    });
    await client.disconnect();
    await assertRejects(() => server.closed, EndOfStreamError);
    await assertRejects(() => server.disconnect(), EndOfStreamError);
    for (const record of states) {
      assertEquals(await record.stop(), [
        "connecting",
        "running",
        "disconnecting",
        "idle",
      ]);
    }
  });

  Deno.test(`${name}: a peer that half-closes while we send 8 MiB loses no byte`, async () => {
    await using place = await meeting(make());
    const sender = new Peer({
      codec: () => delimited("\n", { maxMessageBytes: 1 << 20 }),
    });
    const [accepted] = await Promise.all([
      place.listener.accept(),
      sender.connect(place.dial),
    ]);
    const message = new Uint8Array(1024 * 1024 - 1).fill(120);
    for (let n = 0; n < 8; n++) sender.send(message);
    await accepted.writable.close();
    let received = 0;
    for await (const chunk of accepted.readable) received += chunk.length;
    assertEquals(received, 8 * 1024 * 1024);
    await assertRejects(() => sender.disconnect(), EndOfStreamError);
    await accepted.close();
  });

  Deno.test(`${name}: disconnect() with a stalled peer ends and reports the unsent bytes`, async () => {
    await using place = await meeting(make());
    const sender = jsonPeer({ closeTimeout: 20 });
    const [accepted] = await Promise.all([
      place.listener.accept(),
      sender.connect(place.dial),
    ]);
    sender.send("x".repeat(16 * 1024 * 1024));
    const error = await assertRejects(
      () => sender.disconnect(),
      FlushTimeoutError,
    );
    assertLess(0, error.unsentBytes);
    assertEquals(sender.runstate, "idle");
    accepted.abort();
  });

  Deno.test(`${name}: an aborted accept() leaves the address free, and the protocol idle`, async () => {
    const transport = make();
    const server = jsonPeer();
    for (let n = 0; n < 20; n++) {
      const states = recordRunstates(server);
      const controller = new AbortController();
      const accepting = server.accept(transport, { signal: controller.signal });
      controller.abort();
      await assertRejects(() => accepting, DOMException);
      assertEquals(await states.stop(), [
        "connecting",
        "disconnecting",
        "idle",
      ]);
    }
    await (await transport.listen()).close();
  });
}

for (
  const [what, address, cause] of [
    [
      "refused TCP connect",
      "tcp://127.0.0.1:1",
      Deno.errors.ConnectionRefused,
    ],
    [
      "Unix path that does not exist",
      `unix:${folder}/nothing`,
      Deno.errors.NotFound,
    ],
    [
      "Unix path that is not a socket",
      `unix:${folder}/file`,
      Deno.errors.ConnectionRefused,
    ],
  ] as const
) {
  Deno.test(`a ${what} is a ConnectError that names the address and keeps its cause`, async () => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const peer = jsonPeer();
    const states = recordRunstates(peer);
    const error = await assertRejects(
      () => peer.connect(parseTransport(address)),
      ConnectError,
      `Failed to establish connection: Connect to ${address}: `,
    );
    assertInstanceOf(error.cause, cause);
    assertEquals(await states.stop(), ["connecting", "disconnecting", "idle"]);
    // The protocol can be used again.
    await using place = await meeting(memory());
    await Promise.all([peer.connect(place.dial), place.listener.accept()]);
    await peer.disconnect();
  });
}

Deno.test("a stale Unix path is a ConnectError with ConnectionRefused", async () => {
  const path = `${folder}/dead`;
  const listener = Deno.listen({ transport: "unix", path: `${path}-bound` });
  await Deno.rename(`${path}-bound`, path);
  listener.close();
  const error = await assertRejects(
    () => jsonPeer().connect(unix({ path })),
    ConnectError,
  );
  assertInstanceOf(error.cause, Deno.errors.ConnectionRefused);
});

Deno.test("a Deno.Conn is taken for the pair of streams that it has: no byte is lost", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [near, far] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
  const codec = () => delimited("\n", { maxMessageBytes: Infinity });
  const sender = new Peer({ codec });
  const receiver = new Peer({ codec });
  await Promise.all([sender.connect(near), receiver.connect(far)]);
  const message = new Uint8Array(8 * 1024 * 1024);
  sender.send(message);
  const received = receiver.receive();
  await sender.disconnect();
  assertEquals((await received).length, message.length);
  await receiver[Symbol.asyncDispose]();
});

Deno.test("a pair of streams may have a promise of its end", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const echo = { readable, writable, closed: Promise.resolve() };
  const peer = jsonPeer();
  await peer.connect(echo);
  await peer.send("echo");
  assertEquals(await peer.receive(), "echo");
  await peer.disconnect();
});
