import { assertEquals, assertRejects } from "@std/assert";
import { ConnectError, GuestAgentClient, QMPClient } from "../../qmp/mod.ts";
import { hintFor } from "../../qmp/_shell/hints.ts";
import { type Connection, memoryPair } from "../../transports/mod.ts";
import { Script } from "../support/qmp/qmp_script.ts";
import { write } from "../support/protocol/session.ts";

/** The error of a client that connects to such a peer. */
async function failure(
  client: QMPClient | GuestAgentClient,
  play: (far: Connection) => Promise<unknown>,
): Promise<ConnectError> {
  const [near, far] = memoryPair();
  const playing = play(far);
  const error = await assertRejects(() => client.connect(near), ConnectError);
  await playing;
  await far.close();
  return error;
}

Deno.test("the hint for a silent server is that it may be a guest agent", async () => {
  const client = new QMPClient({ handshakeTimeout: 1 });
  const error = await failure(client, () => Promise.resolve());
  assertEquals(
    hintFor(error, false),
    "If this is the socket of a guest agent, use --agent",
  );
});

Deno.test("a human monitor is recognized by its first line", async () => {
  const error = await failure(
    new QMPClient(),
    (far) => write(far, "QEMU 7.2.22 monitor - type 'help' for more\r\n"),
  );
  assertEquals(
    hintFor(error, false),
    "This is a human monitor: the shell talks to it through a QMP socket, by --hmp",
  );
});

Deno.test("the hint for a silent agent is that it may be a QMP server", async () => {
  const client = new GuestAgentClient({ timeout: 1 });
  const error = await failure(client, () => Promise.resolve());
  assertEquals(
    hintFor(error, true),
    "If this is a QMP server, such as QEMU, leave out --agent",
  );
});

Deno.test("there is no hint if the server refuses, or ends", async () => {
  const ended = await failure(
    new QMPClient(),
    (far) => far.writable.close(),
  );
  assertEquals(hintFor(ended, false), undefined);
  const refused = await failure(new QMPClient(), async (far) => {
    const script = await Script.over(far);
    script.send({ QMP: { version: {}, capabilities: [] } });
    script.refuse(await script.command(), "GenericError", "No");
    await script.peer.disconnect().catch(() => {});
  });
  assertEquals(hintFor(refused, false), undefined);
  assertEquals(hintFor("text", false), undefined);
});
