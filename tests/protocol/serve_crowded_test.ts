import { assertEquals, assertMatch } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { tcp } from "../../transports/mod.ts";
import { jsonPeer } from "../support/protocol/session.ts";

Deno.test("serve() without free file descriptors keeps its sessions, and accepts again when some are free", async () => {
  const program = new URL("crowded_server.ts", import.meta.url).pathname;
  await using child = new Deno.Command("sh", {
    // Both limits: Deno raises the soft one to the hard one.
    args: [
      "-c",
      `ulimit -n 64; exec "$0" run -A "$1"`,
      Deno.execPath(),
      program,
    ],
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream()).values();
  const line = async () => String((await lines.next()).value);
  const transport = tcp({ port: Number(await line()) });

  const clients = Array.from({ length: 64 }, () => jsonPeer());
  const first = clients[0] ?? jsonPeer();
  for (const client of clients) await client.connect(transport);
  const ask = async (client: typeof first, message: unknown) => {
    await client.send(message);
    return (await client[Symbol.asyncIterator]().next()).value;
  };
  assertMatch(await line(), /^Accept failed.*Accept at tcp:.*os error 24/);
  assertEquals(await ask(first, "still here"), "still here");

  for (const client of clients) await client.disconnect();
  const late = jsonPeer();
  await late.connect(transport);
  assertEquals(await ask(late, "here again"), "here again");
  await late.disconnect();
  await lines.return?.();
});
