import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  AsyncProtocol,
  type Codec,
  ConnectError,
  EndOfStreamError,
  lines,
  ProtocolError,
  StateError,
} from "../../protocol/mod.ts";
import {
  type Connection,
  fromStreams,
  memoryPair,
} from "../../transports/mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { write } from "../support/protocol/session.ts";
import { turns } from "../support/turns.ts";

/** A connection over another one, in which each byte is inverted. */
function inverted(connection: Connection): Promise<Connection> {
  const invert = () =>
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) =>
        controller.enqueue(chunk.map((byte) => ~byte)),
    });
  const out = invert();
  const sent = out.readable.pipeTo(connection.writable);
  sent.catch(() => {});
  return Promise.resolve(fromStreams({
    readable: connection.readable.pipeThrough(invert()),
    writable: out.writable,
  }, {
    remoteAddress: connection.remoteAddress,
    close: async () => {
      await sent;
      await connection.close();
    },
    abort: (reason) => connection.abort(reason),
  }));
}

type Change = (connection: Connection) => Promise<Connection>;

/** Requests an upgrade, as a client of STARTTLS does. */
class Client extends AsyncProtocol<string> {
  received: string[] = [];
  protected override createCodec(): Codec<string> {
    return lines();
  }
  constructor(readonly change: Change = inverted) {
    super();
  }
  protected override async negotiate(): Promise<void> {
    this.send("STARTTLS");
    const answer = await this.receive();
    if (answer === "go ahead") await this.upgrade(this.change);
    await this.send("hello");
    this.received.push(await this.receive());
  }
  protected override onMessage(line: string): void {
    this.received.push(line);
  }
  override send(line: string): Promise<void> {
    return super.send(line);
  }
  override upgrade(change: Change): Promise<void> {
    return super.upgrade(change);
  }
}

/** Upgrades the connection when the client requests it. */
class Server extends AsyncProtocol<string> {
  received: string[] = [];
  protected override createCodec(): Codec<string> {
    return lines();
  }
  protected override async negotiate(): Promise<void> {
    const asked = await this.receive();
    assertEquals(asked, "STARTTLS");
    this.send("go ahead");
    await this.upgrade(inverted);
  }
  protected override onMessage(line: string): Promise<void> {
    this.received.push(line);
    return this.send(line.toUpperCase());
  }
}

Deno.test("both ends go on over the connection that upgrade() makes", async () => {
  const [near, far] = memoryPair();
  const client = new Client();
  const server = new Server();
  await Promise.all([client.connect(near), server.connect(far)]);
  await client.send("in the session");
  for (let n = 0; n < 10; n++) await turns();
  assertEquals(server.received, ["hello", "in the session"]);
  assertEquals(client.received, ["HELLO", "IN THE SESSION"]);
  assertEquals(client.remoteAddress, near.remoteAddress);
  await client.disconnect();
  await assertRejects(() => server.disconnect(), EndOfStreamError);
  await Promise.all([near.closed, far.closed]);
});

Deno.test("bytes that were read before an upgrade end the session, and are not delivered", async () => {
  const injected = [
    "STARTTLS\nRCPT TO:<evil>\n",
    "STARTTLS\nR",
    "STARTTLS\n\0",
  ];
  for (const text of injected) {
    const [near, far] = memoryPair();
    const server = new Server();
    const connecting = rejection(server.connect(near));
    await write(far, text);
    const error = await connecting;
    assertInstanceOf(error, ConnectError);
    const { cause } = error;
    assertInstanceOf(cause, ProtocolError);
    assertEquals(
      cause.message,
      `Cannot upgrade: ${text.length - 9} bytes came before it at offset 9`,
    );
    assertEquals(server.received, []);
    assertEquals(server.runstate, "idle");
    far.abort();
  }
});

Deno.test("bytes that a server sends behind its consent end the client's session", async () => {
  const [near, far] = memoryPair();
  let changed = 0;
  const client = new Client((connection) => {
    changed++;
    return inverted(connection);
  });
  const connecting = rejection(client.connect(near));
  await write(far, "go ahead\nforged reply\n");
  const error = await connecting;
  assertInstanceOf(error, ConnectError);
  assertInstanceOf(error.cause, ProtocolError);
  assertEquals([changed, client.received], [0, []]);
  far.abort();
});

Deno.test("a failed upgrade rejects connect() with its error, and leaves nothing open", async () => {
  const [near, far] = memoryPair();
  const failure = new Error("bad certificate");
  const client = new Client(() => Promise.reject(failure));
  const connecting = rejection(client.connect(near));
  await write(far, "go ahead\n");
  const error = await connecting;
  assertInstanceOf(error, ConnectError);
  assertStrictEquals(error.cause, failure);
  await rejection(near.closed);
  far.abort();
});

Deno.test("an attempt that is aborted during an upgrade aborts the connection that arrives later", async () => {
  const [near, far] = memoryPair();
  const [later, other] = memoryPair();
  const gate = Promise.withResolvers<Connection>();
  const changing = Promise.withResolvers<void>();
  const client = new Client(() => {
    changing.resolve();
    return gate.promise;
  });
  const aborting = new AbortController();
  const connecting = client.connect(near, { signal: aborting.signal });
  await write(far, "go ahead\n");
  await changing.promise;
  aborting.abort("enough");
  gate.resolve(later);
  assertEquals(await connecting.catch((reason) => reason), "enough");
  assertEquals(await later.closed.catch((reason) => reason), "enough");
  far.abort();
  other.abort();
});

Deno.test("upgrade() rejects outside a negotiation, and changes nothing", async () => {
  const [near, far] = memoryPair();
  let changed = 0;
  const change = (connection: Connection) => {
    changed++;
    return Promise.resolve(connection);
  };
  const client = new Client();
  await assertRejects(() => client.upgrade(change), StateError);
  const connecting = client.connect(near);
  await write(far, "no TLS here\nwelcome\n");
  await connecting;
  await assertRejects(() => client.upgrade(change), StateError);
  assertEquals([changed, client.received], [0, ["welcome"]]);
  await client.disconnect();
  await far.close();
});
