import { assertEquals, assertMatch } from "@std/assert";
import {
  json,
  JSONRPCPeer,
  Peer,
  QMPServer,
  serve,
  webSocket,
  webSocketMessages,
  type WebSocketOptions,
  webSocketText,
} from "../../mod.ts";
import { bundle } from "../support/bundle.ts";
import { type OpenedPage, openPage } from "../support/servers/opened_page.ts";
import { needs } from "../support/servers/real_process.ts";

/** Listens for sockets of the page. */
function listen(
  { origin }: OpenedPage,
  options: Omit<WebSocketOptions, "url"> = {},
) {
  const url = "ws://127.0.0.1:0/";
  return webSocket({ url, origins: [origin], ...options }).listen();
}

Deno.test({
  name: "a page of Chromium talks QMP and JSON-RPC over its own WebSockets",
  ...needs("chromium"),
  fn: async (t) => {
    const path = import.meta.resolve("./sockets.ts");
    await using opened = await openPage(await bundle(`import "${path}";`));
    const call = (name: string, { port }: { port: number }) =>
      opened.page.evaluate(`${name}("ws://127.0.0.1:${port}/")`);

    await t.step("QMP over bytes", async () => {
      await using machine = new QMPServer({
        commands: {
          "query-status": () => ({ running: true, status: "running" }),
          stop: (_, { server }) => server.emit("STOP"),
        },
      });
      const listener = await listen(opened);
      machine.serve(listener);
      assertEquals(await call("talkQMP", listener.address), [
        { running: true, status: "running" },
        "STOP",
      ]);
    });

    await t.step("messages that keep their bounds", async () => {
      const listener = await listen(opened, { messages: true });
      const codec = () => webSocketMessages({ maxMessageBytes: 2 ** 24 });
      await using _server = serve(listener, () => new Echo({ codec }));
      assertEquals(await call("echo", listener.address), [
        ["String", 5],
        ["Uint8Array", 2],
        ["Uint8Array", 2_000_000],
      ]);
    });

    await t.step("JSON-RPC in both directions", async () => {
      const listener = await listen(opened, { messages: true });
      await using _server = serve(listener, () => {
        const peer: JSONRPCPeer = new JSONRPCPeer({
          codec: (options) => json(webSocketText(options)),
          methods: {
            greet: async () => `hello, ${await peer.request("title")}`,
          },
        });
        return peer;
      });
      const greeting = await call("talkJSONRPC", listener.address);
      assertEquals(greeting, "hello, a page");
    });

    await t.step("a listener that refuses the page's origin", async () => {
      await using listener = await listen(opened, { origins: [] });
      const error = await call("fail", listener.address);
      assertMatch(
        String(error),
        /^ConnectError: .*Connect to ws:\S+: the socket did not open$/,
      );
    });
  },
});

/** Sends back what it receives. */
class Echo extends Peer<string | Uint8Array> {
  protected override onMessage(message: string | Uint8Array): Promise<void> {
    return this.send(message);
  }
}
