import {
  fromWebSocket,
  json,
  JSONRPCPeer,
  Peer,
  QMPClient,
  webSocketMessages,
  webSocketText,
} from "../../browser.ts";

/** QMP over a socket that is connecting: a command's result, then an event. */
async function talkQMP(url: string): Promise<unknown[]> {
  await using client = new QMPClient();
  await client.connect(fromWebSocket(new WebSocket(url)));
  const status = await client.execute("query-status");
  await client.execute("stop");
  const { event } = await client.events.next("STOP");
  return [status, event];
}

/** Messages that keep their bounds, as text and as bytes. */
async function echo(url: string): Promise<unknown[]> {
  const codec = () => webSocketMessages({ maxMessageBytes: 2 ** 24 });
  await using peer = new Peer({ codec });
  await peer.connect(fromWebSocket(new WebSocket(url), { messages: true }));
  const messages = ["grüße", Uint8Array.of(1, 2), new Uint8Array(2_000_000)];
  const kinds = [];
  for (const message of messages) {
    await peer.send(message);
    const back = await peer.receive();
    kinds.push([back.constructor.name, back.length]);
  }
  return kinds;
}

/** JSON-RPC of one message each; the page answers what it is asked meanwhile. */
async function talkJSONRPC(url: string): Promise<unknown> {
  await using peer = new JSONRPCPeer({
    codec: (options) => json(webSocketText(options)),
    methods: { title: () => "a page" },
  });
  await peer.connect(fromWebSocket(new WebSocket(url), { messages: true }));
  return await peer.request("greet");
}

/** The text of the error of a socket that does not open. */
async function fail(url: string): Promise<string> {
  const client = new QMPClient();
  return await client.connect(fromWebSocket(new WebSocket(url))).then(
    () => "connected",
    String,
  );
}

Object.assign(globalThis, { talkQMP, echo, talkJSONRPC, fail });
