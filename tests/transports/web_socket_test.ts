import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { toText } from "@std/streams";
import {
  decoderStream,
  formatAddress,
  memory,
  parseTransport,
  Peer,
  tcp,
  type Transport,
  webSocket,
  webSocketMessages,
} from "../../mod.ts";
import { rejection } from "../../testing/_util/rejection.ts";
import { testTransport } from "../../testing/mod.ts";
import { portOf } from "../support/transports/port_of.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** A WebSocket over memory: both transports share the memory transport. */
function pair(): [server: Transport, client: Transport] {
  const over = memory();
  const options = { url: "ws://example/chat", over };
  return [webSocket(options), webSocket(options)];
}

let [server, client] = pair();
testTransport("WebSocket over memory", {
  server: (address) => {
    if (!address) [server, client] = pair();
    return server;
  },
  client: () => client,
});

testTransport("WebSocket over TCP", {
  server: (address) =>
    webSocket({ url: address ? formatAddress(address) : "ws://127.0.0.1:0/" }),
  client: (address) =>
    webSocket({ url: address ? formatAddress(address) : "ws://127.0.0.1:1/" }),
});

Deno.test("a WebSocket's address is written and read in the address grammar", () => {
  for (
    const [address, expected] of [
      ["ws://127.0.0.1:8080/a/b", "ws://127.0.0.1:8080/a/b"],
      ["ws://example", "ws://example:80/"],
      ["wss://example/x?y=1", "wss://example:443/x?y=1"],
      ["ws://[::1]:9/", "ws://[::1]:9/"],
    ] as const
  ) {
    assertEquals(
      `${parseTransport(address)}`.replace(/\?.*/, ""),
      expected.replace(/\?.*/, ""),
    );
  }
});

Deno.test("invalid options are refused, naming option and value", () => {
  const make = (options: object) => () =>
    webSocket({ url: "ws://x/", ...options });
  assertThrows(make({ url: "http://x/" }), TypeError, 'url is "http://x/"');
  assertThrows(make({ url: "ws://x/#a" }), TypeError, "url is");
  assertThrows(make({ url: "ws://u:p@x/" }), TypeError, "user or password");
  assertThrows(make({ protocols: ["a b"] }), TypeError, "protocols[0]");
  assertThrows(make({ origins: ["example.com"] }), TypeError, "origins[0]");
  assertThrows(make({ handshakeTimeout: 0 }), RangeError, "handshakeTimeout");
  assertThrows(make({ headers: { a: "b\r\nc: d" } }), TypeError);
});

Deno.test("with messages, text and bytes keep their boundaries, also large ones", async () => {
  const transport = webSocket({
    ...{ url: "ws://x/", over: memory(), messages: true },
  });
  await using listener = await transport.listen();
  const codec = () => webSocketMessages({ maxMessageBytes: Infinity });
  await using server = new Peer({ codec });
  await using client = new Peer({ codec });
  await Promise.all([server.accept(listener), client.connect(transport)]);
  const messages = [
    "",
    "grüße",
    new Uint8Array(0),
    Uint8Array.of(1, 2),
    "x".repeat(125),
    "x".repeat(126),
    "x".repeat(65_535),
    "x".repeat(65_536),
    new Uint8Array(1_000_000).fill(7),
  ];
  for (const message of messages) client.send(message);
  for (const message of messages) {
    assertEquals(await server.receive(), message);
    await server.send(message);
    assertEquals(await client.receive(), message);
  }
  await client.disconnect();
});

Deno.test("with messages, reads of any size lose nothing, of the stream and directly", async () => {
  const transport = webSocket({
    ...{ url: "ws://x/", over: memory(), messages: true },
  });
  await using listener = await transport.listen();
  const accepted = listener.accept();
  const client = new Peer({ codec: webSocketMessages });
  await client.connect(transport);
  await using server = await accepted;
  const sent = Array.from({ length: 9 }, (_, n) => `message number ${n}`);
  for (const message of sent) client.send(message);
  const ended = client.disconnect();
  const chunks: Uint8Array[] = [];
  const reader = server.readable.getReader({ mode: "byob" });
  for (const size of [1, 4, 14, 9, 20]) {
    const { value } = await reader.read(new Uint8Array(size), { min: size });
    chunks.push(value ?? new Uint8Array(0));
  }
  reader.releaseLock();
  for (let size = 1;; size = size % 20 + 1) {
    const into = new Uint8Array(size);
    const count = await server.read(into);
    if (count === null) break;
    chunks.push(into.subarray(0, count));
  }
  const messages = ReadableStream.from(chunks)
    .pipeThrough(decoderStream(webSocketMessages()));
  assertEquals(await Array.fromAsync(messages), sent);
  await ended;
});

Deno.test("the subprotocol is the first of the client's list that the server supports", async () => {
  const over = memory();
  const url = "ws://x/";
  const transport = (protocols: string[]) =>
    webSocket({ url, over, protocols });
  await using listener = await transport(["b", "c"]).listen();
  for (
    const [offered, chosen] of [[["a", "c", "b"], "c"], [["a"], ""], [
      [],
      "",
    ]] as const
  ) {
    const [near, far] = await Promise.all([
      transport([...offered]).connect(),
      listener.accept(),
    ]);
    assertEquals(Reflect.get(near, "protocol"), chosen);
    assertEquals(Reflect.get(far, "protocol"), chosen);
    await Promise.all([near.close(), far.close()]);
  }
});

/** A listener's answer to a request of any bytes. */
async function answerTo(request: string): Promise<string> {
  const over = memory();
  const refused = Promise.withResolvers<unknown>();
  await using _listener = await webSocket({
    url: "ws://example/chat",
    origins: ["https://friend.example"],
    over,
    onHandshakeError: refused.resolve,
  }).listen();
  const plain = await over.connect();
  await plain.write(encode(request));
  const answer = await toText(plain.readable);
  assertMatch(String(await refused.promise), /Handshake with memory:/);
  await plain.close();
  return answer;
}

const good = {
  Host: "example",
  Upgrade: "websocket",
  Connection: "keep-alive, Upgrade",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};

function request(fields: object, start = "GET /chat HTTP/1.1"): string {
  const lines = Object.entries({ ...good, ...fields })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `${start}\r\n${lines.join("")}\r\n`;
}

for (
  const [name, bytes, status] of [
    ["another version", request({ "Sec-WebSocket-Version": "8" }), 426],
    ["no upgrade", request({ Upgrade: undefined }), 426],
    ["no connection field", request({ Connection: "close" }), 400],
    ["no host", request({ Host: undefined }), 400],
    ["a short key", request({ "Sec-WebSocket-Key": "short" }), 400],
    ["no key", request({ "Sec-WebSocket-Key": undefined }), 400],
    ["a POST", request({}, "POST /chat HTTP/1.1"), 400],
    ["HTTP/1.0", request({}, "GET /chat HTTP/1.0"), 400],
    ["another path", request({}, "GET /other HTTP/1.1"), 404],
    [
      "a page of another origin",
      request({ Origin: "https://evil.example" }),
      403,
    ],
    ["an opaque origin", request({ Origin: "null" }), 403],
  ] as const
) {
  Deno.test(`a handshake with ${name} is answered with ${status}`, async () => {
    assertMatch(await answerTo(bytes), new RegExp(`^HTTP/1\\.1 ${status} `));
  });
}

for (
  const [name, bytes] of [
    ["more than 16 KiB", `GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}`],
    ["a malformed field", "GET / HTTP/1.1\r\nno colon\r\n\r\n"],
    ["a NUL", "GET / HTTP/1.1\r\nA: \0\r\n\r\n"],
  ] as const
) {
  Deno.test(`a handshake with ${name} is refused without an answer`, async () => {
    assertEquals(await answerTo(bytes), "");
  });
}

Deno.test("pages of the listener's own origin and of origins that it names may connect", async () => {
  const over = memory();
  const url = "ws://example:8080/";
  const origins = ["https://friend.example"];
  await using listener = await webSocket({ url, over, origins }).listen();
  for (const Origin of ["http://example:8080", "https://friend.example"]) {
    const [near, far] = await Promise.all([
      webSocket({ url, over, headers: { Origin } }).connect(),
      listener.accept(),
    ]);
    await Promise.all([near.close(), far.close()]);
  }
});

/** The status that a listener at a free port of loopback gives to a page. */
async function statusFor(
  hostname: string,
  page: (port: number) => string,
): Promise<string | undefined> {
  await using listener = await webSocket({
    url: `ws://${hostname}:0/chat`,
    over: tcp({ port: 0 }),
  }).listen();
  const port = portOf(listener);
  const accepting = listener.accept().catch(() => {});
  const plain = await tcp({ port }).connect();
  const Origin = page(port);
  const Host = new URL(Origin).host;
  await plain.write(encode(request({ Host, Origin })));
  const into = new Uint8Array(1000);
  const count = await plain.read(into) ?? 0;
  plain.abort();
  await listener.close();
  (await accepting)?.abort();
  return new TextDecoder().decode(into.subarray(0, count)).split(" ")[1];
}

for (
  const [name, hostname, page, status] of [
    ["a rebound name", "127.0.0.1", "http://evil.example:PORT", "403"],
    [
      "a name that begins alike",
      "127.0.0.1",
      "http://127.0.0.1.evil:PORT",
      "403",
    ],
    ["another port", "127.0.0.1", "http://127.0.0.1:1", "403"],
    ["another scheme", "127.0.0.1", "https://127.0.0.1:PORT", "403"],
    ["its own address", "127.0.0.1", "http://127.0.0.1:PORT", "101"],
    ["localhost", "127.0.0.1", "http://localhost:PORT", "101"],
    ["loopback of IPv6", "localhost", "http://[::1]:PORT", "101"],
    ["the name of its URL", "example", "http://example:PORT", "101"],
  ] as const
) {
  Deno.test(`a listener on loopback for ${hostname} answers ${status} to a page of ${name}, whatever its Host`, async () => {
    const origin = (port: number) => page.replace("PORT", `${port}`);
    assertEquals(await statusFor(hostname, origin), status);
  });
}

Deno.test("an accepted connection's remote address is the client's, also behind a proxy", async () => {
  const plain = tcp({ port: 0, proxyProtocol: true });
  const url = "ws://chat.example/";
  await using listener = await webSocket({ url, over: plain }).listen();
  const { connect, ...others } = tcp({ port: portOf(listener) });
  const over: Transport = {
    ...others,
    async connect(options) {
      const connection = await connect(options);
      const header = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n";
      await connection.write(encode(header));
      return connection;
    },
  };
  const [near, far] = await Promise.all([
    webSocket({ url, over }).connect(),
    listener.accept(),
  ]);
  assertEquals(formatAddress(far.remoteAddress), "ws://192.0.2.1:56324/");
  assertEquals(formatAddress(far.localAddress), "ws://chat.example:443/");
  await Promise.all([near.close(), far.close()]);
});

Deno.test("a client's local address has its own host and port", async () => {
  const url = "ws://chat.example/";
  const plain = tcp({ port: 0 });
  await using listener = await webSocket({ url, over: plain }).listen();
  const over = tcp({ port: portOf(listener) });
  const [near, far] = await Promise.all([
    webSocket({ url, over }).connect(),
    listener.accept(),
  ]);
  assertEquals(near.localAddress, far.remoteAddress);
  assertEquals(near.remoteAddress, far.localAddress);
  await Promise.all([near.close(), far.close()]);
});

Deno.test("an accepted connection's errors name the real port", async () => {
  await using listener = await webSocket({ url: "ws://127.0.0.1:0/" }).listen();
  const url = formatAddress(listener.address);
  const [near, far] = await Promise.all([
    webSocket({ url }).connect(),
    listener.accept(),
  ]);
  near.abort();
  const error = await rejection(far.read(new Uint8Array(1)));
  assertMatch(String(error), new RegExp(`Read from ${url}: `));
  far.abort();
});

/** The error of a client whose server answers with these bytes. */
async function errorOf(answer: string): Promise<unknown> {
  const over = memory();
  await using listener = await over.listen();
  const connecting = rejection(webSocket({ url: "ws://x/", over }).connect());
  const plain = await listener.accept();
  await plain.read(new Uint8Array(1000));
  await plain.write(encode(answer));
  const error = await connecting;
  await plain.close();
  return error;
}

for (
  const [name, answer, why] of [
    [
      "another status",
      "HTTP/1.1 403 Forbidden\r\n\r\n",
      "answered 403 Forbidden",
    ],
    ["no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", "not answered in HTTP/1.1"],
    [
      "no upgrade",
      "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\n\r\n",
      "not agreed to upgrade",
    ],
    [
      "a wrong accept",
      "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n",
      "Sec-WebSocket-Accept does not match",
    ],
  ] as const
) {
  Deno.test(`a server that answers with ${name} is refused, and the error says so`, async () => {
    const error = await errorOf(answer);
    assertMatch(String(error), /Connect to ws:\/\/x:80\//);
    assertMatch(String(error), new RegExp(why));
  });
}

Deno.test("connecting to a silent server fails after the handshake's deadline", async () => {
  const over = memory();
  await using listener = await over.listen();
  const transport = webSocket({ url: "ws://x/", over, handshakeTimeout: 10 });
  const connecting = transport.connect();
  const plain = await listener.accept();
  await assertRejects(
    () => connecting,
    Deno.errors.TimedOut,
    "the handshake was not done within 10 ms",
  );
  await plain.close();
});
