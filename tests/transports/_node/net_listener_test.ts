import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { connectSocket } from "../../../transports/_node/connect_socket.ts";
import { NetListener } from "../../../transports/_node/net_listener.ts";

Deno.test("node: a peer that resets before it is accepted is passed over", async () => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const listener = new NetListener(server);
  const { hostname: host, port } = listener.addr;

  const arrived = once(server, "connection");
  const resetting = connect({ host, port });
  const [waiting] = await arrived as [Socket];
  const gone = new Promise((resolve) => waiting.once("close", resolve));
  resetting.resetAndDestroy();
  await gone;

  const client = await connectSocket({ host, port });
  const accepted = await listener.accept();
  assertEquals(accepted.remoteAddr, client.localAddr);
  const closed = once(server, "close");
  client.close();
  accepted.close();
  listener.close();
  await closed;
});

Deno.test("node: a peer that has ended in order before it is accepted is not passed over", async () => {
  const listener = await NetListener.listen({ host: "127.0.0.1", port: 0 });
  const { hostname: host, port } = listener.addr;
  const client = await connectSocket({ host, port });
  await client.write(new Uint8Array(3));
  await client.closeWrite();
  const accepted = await listener.accept();
  assertEquals(accepted.remoteAddr, client.localAddr);
  assertEquals(await accepted.read(new Uint8Array(9)), 3);
  assertEquals(await accepted.read(new Uint8Array(9)), null);
  client.close();
  accepted.close();
  listener.close();
});
