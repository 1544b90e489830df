import { assertEquals } from "@std/assert";
import { JSONRPCPeer } from "../../jsonrpc/mod.ts";
import { lines, memoryPair, Peer } from "../../mod.ts";

/** The answer to a request with an id, as it is on the wire. */
async function answer(id: string): Promise<string> {
  const [near, far] = memoryPair();
  await using server = new JSONRPCPeer({ methods: { ping: () => "pong" } });
  await using client = new Peer({ codec: lines });
  await Promise.all([server.connect(far), client.connect(near)]);
  await client.send(`{"jsonrpc":"2.0","method":"ping","id":${id}}`);
  const answer = await client.receive();
  await client.disconnect();
  return answer;
}

for (
  const id of ['""', '"\\ud800"', "0", "-1.5", "9007199254740991", "null"]
) {
  Deno.test(`a request with id ${id} is answered with the same id`, async () => {
    assertEquals(
      await answer(id),
      `{"jsonrpc":"2.0","id":${id},"result":"pong"}`,
    );
  });
}

for (
  const id of ["9007199254740993", "-9007199254740993", "1e400", "true", "[]"]
) {
  Deno.test(`a request with id ${id} is refused, without another id`, async () => {
    assertEquals(
      await answer(id),
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}',
    );
  });
}
