import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { concat } from "@std/bytes";
import { toText } from "@std/streams";
import { testTransport } from "../../testing/mod.ts";
import {
  acceptTls,
  type Address,
  type Connection,
  formatAddress,
  type Listener,
  type NetAddress,
  startTls,
  tcp,
  type TcpOptions,
  tls,
  type Transport,
} from "../../transports/mod.ts";
import { certificates } from "../support/transports/certificates.ts";
import {
  binaryHeader,
  textHeader,
} from "../support/transports/proxy_header.ts";
import { untyped } from "../support/untyped.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const net = (hostname: string, port: number) =>
  ({ transport: "tcp", hostname, port }) as const;

/** A client behind a proxy: it sends the header before anything else. */
function behindProxy(port: number): Transport<NetAddress> {
  const { connect, ...others } = tcp({ port });
  return {
    ...others,
    async connect(options) {
      const connection = await connect(options);
      const { localAddress, remoteAddress } = connection;
      await connection.write(textHeader(
        `PROXY TCP4 127.0.0.1 127.0.0.1 ${localAddress.port} ${remoteAddress.port}`,
      ));
      return connection;
    },
  };
}

/** The port of an address of TCP; 0 without an address. */
function portOf(address: Address | undefined): number {
  if (!address) return 0;
  assert("port" in address && typeof address.port === "number");
  return address.port;
}

testTransport("TCP behind a proxy", {
  server: (address) => tcp({ port: portOf(address), proxyProtocol: true }),
  client: (address) => behindProxy(portOf(address)),
});

/** A listener behind a proxy, and its error about the next refused peer. */
async function listen(options: Partial<TcpOptions> = {}) {
  const refused = Promise.withResolvers<unknown>();
  const listener = await tcp({
    port: 0,
    proxyProtocol: true,
    onHandshakeError: refused.resolve,
    ...options,
  }).listen();
  return { listener, refused: refused.promise };
}

/** Sends bytes to a listener, and returns both ends. */
async function send(
  listener: Listener<NetAddress>,
  bytes: Uint8Array,
): Promise<[near: Connection<NetAddress>, far: Connection<NetAddress>]> {
  const near = await tcp({ port: listener.address.port }).connect();
  await near.write(bytes);
  return [near, await listener.accept()];
}

/** Waits for the end of a connection, in order or by a reset. */
async function ended(connection: Connection): Promise<boolean> {
  try {
    return await connection.read(new Uint8Array(8)) === null;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionReset;
  }
}

for (
  const [version, header] of [
    [1, textHeader("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443")],
    [
      2,
      binaryHeader({
        family: 0x11,
        body: [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb],
      }),
    ],
  ] as const
) {
  Deno.test(`proxyProtocol: the addresses are those of a header of version ${version}, and the bytes behind it are the session's`, async () => {
    const { listener } = await listen();
    await using _listener = listener;
    const [near, far] = await send(listener, concat([header, encode("hello")]));
    assertEquals(far.remoteAddress, net("192.0.2.1", 56324));
    assertEquals(far.localAddress, net("198.51.100.2", 443));
    await near.closeWrite();
    assertEquals(await toText(far.readable), "hello");
    await far.write(encode("good bye"));
    await far.close();
    assertEquals(await toText(near.readable), "good bye");
  });
}

Deno.test("proxyProtocol: a header that names no hosts leaves the socket's own addresses", async () => {
  const { listener } = await listen();
  await using _listener = listener;
  for (
    const header of [
      textHeader("PROXY UNKNOWN"),
      binaryHeader({ command: 0x20, family: 0, body: [] }),
      binaryHeader({ family: 0x00, body: [] }),
      binaryHeader({ family: 0x31, body: new Array(216).fill(0) }),
    ]
  ) {
    const [near, far] = await send(listener, header);
    assertEquals(far.remoteAddress, near.localAddress);
    assertEquals(far.localAddress, near.remoteAddress);
    await Promise.all([near.close(), far.close()]);
  }
});

Deno.test("proxyProtocol: a peer without a header is disconnected and reported to onHandshakeError, and accept() goes on", async () => {
  const { listener, refused } = await listen();
  await using _listener = listener;
  const hostile = await tcp({ port: listener.address.port }).connect();
  await hostile.write(encode("GET / HTTP/1.1\r\nHost: example\r\n\r\n"));
  const error = await refused;
  assertInstanceOf(error, Deno.errors.InvalidData);
  assertEquals(
    error.message,
    `PROXY header of ${formatAddress(hostile.localAddress)}: byte 0 is 0x47 ` +
      'in "GET / HTTP/1.1\\r", expected "PROXY " or the signature of version 2',
  );
  assertInstanceOf(error.cause, Deno.errors.InvalidData);
  assertEquals(await ended(hostile), true);
  hostile.abort();
  const [near, far] = await send(listener, textHeader("PROXY UNKNOWN"));
  await Promise.all([near.close(), far.close()]);
});

Deno.test("proxyProtocol: silent peers and slow ones do not delay others, and are disconnected after handshakeTimeout", async () => {
  const errors: unknown[] = [];
  const all = Promise.withResolvers<void>();
  const { listener } = await listen({
    handshakeTimeout: 500,
    onHandshakeError: (error) => {
      if (errors.push(error) === 100) all.resolve();
    },
  });
  await using _listener = listener;
  const { port } = listener.address;
  const hostile = await Promise.all(
    Array.from({ length: 100 }, () => tcp({ port }).connect()),
  );
  for (const slow of hostile.slice(50)) await slow.write(encode("PROXY T"));
  const [near, far] = await send(listener, textHeader("PROXY UNKNOWN"));
  // If handshakes ran one by one, all would have been refused by now.
  assert(errors.length < 100);
  await Promise.all([near.close(), far.close(), all.promise]);
  for (const error of errors) {
    assertInstanceOf(error, Deno.errors.TimedOut);
    assert(/^PROXY header of tcp:.*within 500 ms$/.test(error.message));
  }
  for (const one of hostile) {
    assertEquals(await ended(one), true);
    one.abort();
  }
});

Deno.test("proxyProtocol: closing a listener disconnects peers within their header, and reports no error", async () => {
  const { listener, refused } = await listen();
  const hostile = await tcp({ port: listener.address.port }).connect();
  await hostile.write(encode("PROXY"));
  // Once this one is accepted, the first is under way.
  const [near, far] = await send(listener, textHeader("PROXY UNKNOWN"));
  await listener.close();
  assertEquals(await ended(hostile), true);
  assertEquals(await Promise.race([refused, "nothing"]), "nothing");
  hostile.abort();
  await Promise.all([near.close(), far.close()]);
});

Deno.test("proxyProtocol: a client never sends a header, so connecting is refused", async () => {
  const name = "Connect to tcp://127.0.0.1:1: proxyProtocol is true";
  const transport = tcp({ port: 1, proxyProtocol: true });
  await assertRejects(() => transport.connect(), TypeError, name);
  await assertRejects(
    () => tls({ port: 1, proxyProtocol: true }).connect(),
    TypeError,
    name.replace("tcp", "tls"),
  );
});

Deno.test("proxyProtocol: invalid options are refused, naming option and value", () => {
  for (
    const [options, errorClass, message] of untyped<TcpOptions>([
      [{ proxyProtocol: 2 }, TypeError, "proxyProtocol is 2"],
      [{ handshakeTimeout: 0 }, RangeError, "handshakeTimeout is 0"],
      [{ onHandshakeError: 7 }, TypeError, "onHandshakeError is 7"],
    ])
  ) {
    for (const make of [tcp, tls]) {
      assertThrows(() => make({ ...options, port: 1 }), errorClass, message);
    }
  }
});

Deno.test("proxyProtocol: tls() reads a header before the handshake, and acceptTls() goes on from tcp()", async () => {
  const { ca, server } = await certificates();
  const header = textHeader("PROXY TCP6 2001:db8::1 2001:db8::2 1 443");
  const secured = tls({ port: 0, ...server, proxyProtocol: true });
  const plain = tcp({ port: 0, proxyProtocol: true });
  for (
    const [transport, accepted] of [
      [secured, (far: Connection<NetAddress>) => Promise.resolve(far)],
      [plain, (far: Connection<NetAddress>) => acceptTls(far, server)],
    ] as const
  ) {
    await using listener = await transport.listen();
    const { port } = listener.address;
    const dialled = await tcp({ port }).connect();
    await dialled.write(header);
    const [near, far] = await Promise.all([
      startTls(dialled, { caCerts: [ca], serverName: "localhost" }),
      listener.accept().then(accepted),
    ]);
    const { transport: name } = listener.address;
    const client = { transport: name, hostname: "2001:db8::1", port: 1 };
    assertEquals(far.remoteAddress, client);
    await near.write(encode("hello"));
    await near.close();
    assertEquals(await toText(far.readable), "hello");
    await far.close();
  }
});

Deno.test("proxyProtocol: an error of TLS behind a header names the client", async () => {
  const { server } = await certificates();
  const refused = Promise.withResolvers<unknown>();
  await using listener = await tls({
    ...{ port: 0, ...server, proxyProtocol: true },
    onHandshakeError: refused.resolve,
  }).listen();
  const near = await tcp({ port: listener.address.port }).connect();
  const header = textHeader("PROXY TCP4 192.0.2.1 192.0.2.2 1 443");
  await near.write(concat([header, encode("GET / HTTP/1.1\r\n\r\n")]));
  const error = await refused.promise;
  assertInstanceOf(error, Deno.errors.InvalidData);
  assert(
    error.message.startsWith("Handshake with tls://192.0.2.1:1: the peer"),
  );
  near.abort();
});
